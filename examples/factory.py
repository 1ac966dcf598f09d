"""Cameras in a program of your own: ``python examples/factory.py CAMERA [CAMERA ...]``."""

import sys
from collections import Counter

import hsi.runtime
from hsi.runtime import Event, EventKind, LiveOptions, OnFault, Shown

pictures: Counter[str] = Counter()


def take(shown: Shown) -> None:
    """Gets every picture: frame.image is what the camera saw, image what became of it."""
    if shown.frame.stylised and not shown.frame.repeated:
        pictures[shown.frame.source] += 1


def tell(event: Event) -> None:
    """Gets every event: here a lamp could be lit, or a belt stopped."""
    if event.kind in (EventKind.STALLED, EventKind.LOST):
        print(f"LAMP ON: {event}")


live = LiveOptions(reconnect=True, on_fault=OnFault.HOLD, max_age_s=0.5)
with hsi.runtime.Pipeline(
    *sys.argv[1:], style="great-wave", live=live, on_frame=take, on_event=tell
) as line:
    line.live.set_stability(0.8)
    while not line.wait(timeout_s=10):  # raises what ended the line, if that was a fault
        for camera in line.live.status().cameras:
            print(f"{camera.name}: {camera.state.value}, {camera.shown_fps:.1f} fps")
for name, count in pictures.items():
    print(f"{name}: {count} pictures")
