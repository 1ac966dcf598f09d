"""Large frames in tiles: memory, time a pixel, and how far tiles are from the whole frame.

    python -m bench.tiles [PICTURE ...] [--sizes 512,1024,2048,4096,8192] [--rounds 3] [--tile SIZE]

Time: square frames of each size, in turn, through a stylizer that cuts as `hsi-run` does; told is
the time a pixel against that of the first size. Memory: each size in a process of its own; told is
what the peak grew by beyond that of the engine after one tile of it, frame and result included.
PICTURES are stylised whole and in tiles of 1024: told are the worst and the mean difference with
the same statistics, and the mean to the whole picture with statistics of its own.
"""

import argparse
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np

import hsi.runtime
from bench.interleaved import interleaved
from hsi.runtime.frame import Image
from hsi.runtime.heap import keep_frames, share_heap
from hsi.runtime.tiling import AUTO, tiling_for

_CUT = 1024
_LEAST_PIXELS = 2048**2  # of a round: a single small frame hits a good or a bad moment


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("pictures", nargs="*")
    p.add_argument("--sizes", default="512,1024,2048,4096,8192")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--tile", default=AUTO)
    p.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    args = p.parse_args()
    share_heap()  # as hsi-run has it
    keep_frames()
    tile: int | str = args.tile if args.tile == AUTO else int(args.tile)
    if args.peak_of:
        print(*peak_mb(args.peak_of, tile))
        return
    sizes = [int(size) for size in args.sizes.split(",")]
    tell_sizes(sizes, args.rounds, tile)
    for picture in args.pictures:
        tell_difference(picture)


def tell_sizes(sizes: list[int], rounds: int, tile: int | str) -> None:
    """Print a row for each size."""
    peaks = [_peak_in_a_process(size, tile) for size in sizes]  # first: they inherit our own peak
    with hsi.runtime.load(tile=tile, verify=False) as stylizer:
        frames = {f"{size}x{size}": _frame(size) for size in sizes}
        outs = {name: np.empty_like(frame) for name, frame in frames.items()}
        times = {f"{size}x{size}": max(1, _LEAST_PIXELS // size**2) for size in sizes}

        def run(name: str) -> None:
            for _ in range(times[name]):
                stylizer(frames[name], out=outs[name])

        timings = interleaved({name: partial(run, name) for name in frames}, rounds)
    print(
        f"{'':12s} {'ms':>9s} {'ns a pixel':>11s} {'ratio':>6s} {'engine MB':>10s} {'beyond':>7s}"
    )
    first = None
    for (name, timing), size, peak in zip(timings.items(), sizes, peaks, strict=True):
        ms = timing.median_ms / times[name]
        ns = 1e6 * ms / size**2
        first = first or ns
        row = f"{ms:9.1f} {ns:11.2f} {ns / first:6.2f} {peak[0]:10.0f} {peak[1]:7.0f}"
        print(f"{name:12s} {row}")


def _peak_in_a_process(size: int, tile: int | str) -> tuple[float, float]:
    words = [sys.executable, "-m", "bench.tiles", "--peak-of", str(size), "--tile", str(tile)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    engine, beyond = (float(word) for word in done.stdout.split())
    return engine, beyond


def peak_mb(size: int, tile: int | str) -> tuple[float, float]:
    """MB of the process with an engine that has run a tile of a frame, and MB more of the frame."""
    with hsi.runtime.load(tile=tile, verify=False) as stylizer:
        tiling = tiling_for(tile, stylizer.manifest.frame)
        assert tiling is not None
        height = width = size
        if tiling.cuts((size, size)):
            rows, columns = next(tiling.tiles((size, size)))
            height, width = rows.seen.stop, columns.seen.stop
        stylizer(np.zeros((height, width, 3), np.uint8))
        engine = _peak_mb()
        stylizer(_frame(size))
        return engine, _peak_mb() - engine


def tell_difference(name: str) -> None:
    """Print how far the tiles of a picture are from the picture."""
    picture = cv2.imread(name)
    if picture is None:
        sys.exit(f"{name}: expected a picture, found none that can be read")
    frame: Image = np.asarray(picture, np.uint8)
    with (
        hsi.runtime.load(tile=None, verify=False) as whole,
        hsi.runtime.load(tile=_CUT, verify=False) as tiled,
    ):
        made = tiled.stylize(frame)
        same = cv2.absdiff(made.image, whole.stylize(frame, statistics=made.statistics).image)
        own = cv2.absdiff(made.image, whole(frame))
    print(
        f"{Path(name).name}, {frame.shape[1]}x{frame.shape[0]}, same statistics: worst "
        f"{same.max()}, mean {same.mean():.4f}; statistics of its own: mean {own.mean():.2f}"
    )


def _frame(size: int) -> Image:
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (size // 8, size // 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
