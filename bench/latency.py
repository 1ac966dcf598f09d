"""Glass to glass: from the moment a camera has a frame to the moment an output has its picture.

    python -m bench.latency [--size 1280x720] [--fps 30] [--seconds 20] [--max-latency 50ms]

A test camera draws the time into a strip of each frame, which is protected from the style; the
output reads it back and compares it with its own clock. Told are that, the network's time of the
same run, and what the line adds to it at the 95th percentile, against the target of one frame
interval.
"""

import argparse
import json
import time
from types import TracebackType

import numpy as np

from bench.time_strip import STRIP, draw_strip, read_strip
from hsi.runtime import Frame, LiveOptions, Look, Pipeline
from hsi.runtime.duration import seconds_from_text
from hsi.runtime.frame import Image
from hsi.runtime.pattern_source import PatternSource

_WARM_UP = 10  # frames, for which the engine prepares


class StripCamera(PatternSource):
    """The test pattern, each frame with the moment at which it was there."""

    def read(self, timeout_s: float) -> Frame | None:
        """See :meth:`hsi.runtime.source.Source.read`."""
        frame = super().read(timeout_s)
        if frame is not None:
            draw_strip(frame.image, time.monotonic())
        return frame

    def __enter__(self) -> "StripCamera":
        return self


class StripReader:
    """Notes how old each picture is when an output has it."""

    name, thread_bound = "strip reader", False

    def __init__(self) -> None:
        self.ages_ms: list[float] = []

    def write(self, frame: Frame, image: Image) -> None:
        """See :meth:`hsi.runtime.output.Output.write`."""
        self.ages_ms.append(1e3 * (time.monotonic() - read_strip(image)))

    def __enter__(self) -> "StripReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--size", default="1280x720")
    p.add_argument("--fps", type=float, default=30.0)
    p.add_argument("--seconds", type=float, default=20.0)
    p.add_argument("--max-latency")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    limit_s = seconds_from_text(args.max_latency, of="--max-latency")
    found = measure(f"test://{args.size}@{args.fps:g}", args.fps, args.seconds, limit_s)
    if args.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:32s} {value:8.1f}")


def measure(
    uri: str, fps: float, seconds: float, max_latency_s: float | None = None
) -> dict[str, float]:
    """Milliseconds of each part."""
    reader = StripReader()
    with Pipeline(
        lambda: StripCamera(uri),
        outputs=[lambda: reader],
        look=Look(protect=(STRIP,)),
        live=LiveOptions(max_latency_s=max_latency_s),
        duration_s=seconds,
        verify=False,
    ) as line:
        line.wait()
    assert line.summary is not None
    engine = line.summary.stages["infer"]
    ages = np.array(reader.ages_ms[_WARM_UP:])
    p95 = float(np.percentile(ages, 95))
    return {
        "pictures": len(ages),
        "glass to glass, p50 ms": float(np.percentile(ages, 50)),
        "glass to glass, p95 ms": p95,
        "network and look, p50 ms": engine.p50_ms,
        "network and look, p95 ms": engine.p95_ms,
        "added to the network, p95 ms": p95 - engine.p95_ms,
        "frame interval (target), ms": 1e3 / fps,
    }


if __name__ == "__main__":
    main()
