"""What looking at a run costs the line: nobody looks, a viewer, a recording, shared memory.

    python -m bench.watching [CLIP] [--frames 120] [--rounds 5]

The network only inverts, so what is left is the pipeline, its outputs and who looks on. Every round
plays the same frames once for each contestant, and nothing is dropped on the way to an output. A
viewer asks for each picture as soon as it is there, as a page with one camera does.
"""

import argparse
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import numpy as np

from bench.interleaved import interleaved
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import open_output
from hsi.runtime.output_recording import OutputRecording
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.run_options import RunOptions
from hsi.runtime.run_parts import RunParts
from hsi.runtime.source import open_source

CLIP = Path(__file__).parents[1] / "examples" / "clips" / "bottles.mp4"
Look = Callable[[RunParts], AbstractContextManager[object]]


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("clip", nargs="?", default=str(CLIP))
    p.add_argument("--frames", type=int, default=120)
    p.add_argument("--rounds", type=int, default=5)
    args = p.parse_args()

    def played(output: str, look: Look) -> Callable[[], None]:
        return lambda: _play(args.clip, args.frames, output, look)

    contestants = {
        "nobody": played("null:", _nobody),
        "a viewer": played("null:", _viewer),
        "a recording": played("null:", _recording),
        "shared memory": played(f"shm://bench-{os.getpid()}", _nobody),
    }
    times = interleaved(contestants, args.rounds)
    alone = times["nobody"].median_ms
    print(f"{'':<16}{'ms a frame':>12}{'times nobody':>14}")
    for name, timing in times.items():
        share = timing.median_ms / alone
        print(f"{name:<16}{timing.median_ms / args.frames:12.2f}{share:14.2f}")


def _play(clip: str, frames: int, output: str, look: Look) -> None:
    with ExitStack() as stack:
        feed = Feed(
            name=clip,
            sources=[open_source(clip)],
            stylize=_inverted,
            outputs=[stack.enter_context(open_output(output))],
        )
        run_feeds(
            [feed],
            RunOptions(frames=frames),
            on_start=lambda parts: _begin(stack, look(parts)),
        )


def _begin(stack: ExitStack, looking: AbstractContextManager[object]) -> None:
    stack.enter_context(looking)


def _inverted(frame: Frame) -> Image:
    return np.subtract(np.uint8(255), frame.image)


def _nobody(parts: RunParts) -> AbstractContextManager[object]:
    return nullcontext()


@contextmanager
def _viewer(parts: RunParts) -> Iterator[None]:
    view, ended = parts.cameras[0].lane.view, threading.Event()

    def look() -> None:
        place = 0
        while not ended.is_set():
            shown = view.newest(after=place, timeout_s=0.1)
            place = place if shown is None else shown.place

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _recording(parts: RunParts) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        recording = OutputRecording(parts.cameras[0].lane, Path(folder) / "recording.mp4")
        yield
        recording.finish()


if __name__ == "__main__":
    main()
