"""One run of the pipeline, watched: what came, when, and whether it was whole."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import Output
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.run_options import RunOptions
from hsi.runtime.run_summary import RunSummary
from hsi.runtime.source import SourceOptions, open_source

_RADIUS = 20  # pixels, of GStreamer's ball


@dataclass
class Watcher:
    """An output that notes when frames came, and which were not a ball on black."""

    name: str = "watcher"
    thread_bound: bool = False
    arrivals: list[float] = field(default_factory=list)
    broken: int = 0

    def write(self, frame: Frame, image: Image) -> None:
        """Look at the frame."""
        self.arrivals.append(time.monotonic())
        self.broken += not is_one_ball(frame.image)

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *reason: object) -> None:
        pass


def is_one_ball(image: Image) -> bool:
    """Tell whether a frame shows one whole ball: no ghost, no missing block, no false colour.

    Args:
        image: `(H, W, 3)` uint8 BGR.
    """
    white = image.min(axis=2) > 128
    ys, xs = np.nonzero(white)
    area = np.pi * _RADIUS**2
    if not 0.85 * area < len(xs) < 1.15 * area:
        return False
    sides = (int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1)
    grown = cv2.dilate(white.astype(np.uint8), np.ones((15, 15), np.uint8))
    return max(sides) <= 2 * _RADIUS + 4 and int(image[grown == 0].max(initial=0)) < 64


class Line:
    """A run in a thread of its own; leaving the context ends it.

    Args:
        uri: The camera.
        transport: Of RTSP.
        outputs: Further entered outputs.
    """

    def __init__(self, uri: str, *, transport: str = "tcp", outputs: Sequence[Output] = ()) -> None:
        self.watcher = Watcher()
        self.events: list[Event] = []
        self.summary: RunSummary | None = None
        self._stop = threading.Event()
        options = SourceOptions(transport=transport)
        feed = Feed(
            name=uri,
            sources=(open_source(uri, options=options) for _ in range(1)),
            reopen=lambda: open_source(uri, options=options),
            stylize=lambda frame: np.subtract(np.uint8(255), frame.image),
            outputs=[self.watcher, *outputs],
        )
        self._thread = threading.Thread(target=self._play, args=(feed,))

    def __enter__(self) -> "Line":
        self._thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._stop.set()
        self._thread.join()

    def frame_after(self, moment: float, limit_s: float = 30) -> float | None:
        """Return the seconds from a moment to the first frame after it, or None."""

        def found() -> float | None:
            after = [at for at in self.watcher.arrivals[-100:] if at > moment]
            return after[0] - moment if after else None

        return waited_for(found, limit_s)

    def event_after(
        self, moment: float, kinds: Sequence[EventKind], limit_s: float = 30
    ) -> float | None:
        """Return the seconds from a moment (`time.monotonic()`) to the first such event."""

        def found() -> float | None:
            now, wall = time.monotonic(), time.time()
            ago = [e for e in self.events if e.kind in kinds and e.time_s - wall > moment - now]
            return ago[0].time_s - wall - (moment - now) if ago else None

        return waited_for(found, limit_s)

    def _play(self, feed: Feed) -> None:
        options = RunOptions(healthy_s=2.0)
        self.summary = run_feeds([feed], options, stop=self._stop, on_event=self.events.append)


def waited_for(condition: Callable[[], float | None], limit_s: float) -> float | None:
    """Ask until there is an answer, or the time is up."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if (found := condition()) is not None:
            return found
        time.sleep(0.01)
    return None
