"""What stability and the look controls cost: milliseconds a frame.

    python -m bench.controls [--rounds 15] [--json]

The network and every control by itself, interleaved, at 1280x720; and a 3840x2160 frame stylised at
style scale 1 and at its own pixels. On a busy machine the best of the rounds says more than their
median.
"""

import argparse
import json

import numpy as np

import hsi.runtime
from bench.interleaved import Run, interleaved
from hsi.runtime.frame import Image
from hsi.runtime.look import Look, enlarge, keep_colour, shrunk
from hsi.runtime.region import Mask, keep_protected
from hsi.runtime.still_filter import StillFilter


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    with hsi.runtime.load() as stylizer:
        stylizer.set_style(hsi.runtime.DEFAULT_STYLE)
        timings = interleaved(_runs(stylizer), args.rounds)
    rows = {name: (round(t.median_ms, 1), round(t.best_ms, 1)) for name, t in timings.items()}
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{'ms a frame':32s} {'median':>8s} {'best':>8s}")
    for name, (median_ms, best_ms) in rows.items():
        print(f"{name:32s} {median_ms:8.1f} {best_ms:8.1f}")


def _runs(stylizer: hsi.runtime.Stylizer) -> dict[str, Run]:
    frame, large = _frame(720, 1280), _frame(2160, 3840)
    out, large_out = np.empty_like(frame), np.empty_like(large)
    still, picture = StillFilter(), frame.copy()
    mask = Mask(values=np.where(frame[..., 0] > 128, np.uint8(255), np.uint8(0)))
    working = shrunk(large, (1920, 1080))
    scaled = hsi.runtime.Stream(stylizer, stability=0)
    own = hsi.runtime.Stream(stylizer, look=Look(style_scale=None), stability=0)
    return {
        "1280x720 network": lambda: stylizer(frame, out=out),
        "1280x720 stability": lambda: still.smooth(frame, picture, 0.9),
        "1280x720 keep colour": lambda: keep_colour(frame, out),
        "1280x720 protect, a mask": lambda: keep_protected(frame, out, (mask,)),
        "3840x2160 at style scale 1": lambda: scaled(large, out=large_out),
        "  of it, shrinking": lambda: shrunk(large, (1920, 1080)),
        "  of it, enlarging with detail": lambda: enlarge(working, working, large, 1, large_out),
        "3840x2160 at style scale off": lambda: own(large, out=large_out),
    }


def _frame(height: int, width: int) -> Image:
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return np.ascontiguousarray(small.repeat(8, 0).repeat(8, 1))


if __name__ == "__main__":
    main()
