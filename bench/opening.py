"""What graphs that OpenVINO compiled before save a program until its first picture.

    python -m bench.opening [--model model.hsi] [--size 1280x720] [--rounds 5]

Each round starts three programs: one that finds nothing kept, as after an installation; one that
finds what the first has left; and one that may keep nothing. All open the bundle with its self-test
and stylise a frame. The median of each is told, in milliseconds from the start of the interpreter.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.bundle_argument import bundle_argument
from bench.size_argument import size_argument
from hsi.runtime.bundle import shipped_bundle
from hsi.runtime.uri import size_from_text

_PROGRAM = """\
import sys, numpy as np, hsi.runtime
model, width, height = sys.argv[1:]
with hsi.runtime.load(model, engine="openvino") as stylizer:
    stylizer.set_style(hsi.runtime.DEFAULT_STYLE)
    stylizer(np.zeros((int(height), int(width), 3), np.uint8))
"""


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--model", default=shipped_bundle(), type=bundle_argument)
    p.add_argument("--size", default="1280x720", type=size_argument)
    p.add_argument("--rounds", type=int, default=5)
    args = p.parse_args()
    times = measure(args.model, size_from_text(args.size, of="--size"), args.rounds)
    first = statistics.median(times["nothing kept"])
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"{name:14s} {middle:7.0f} ms  x{middle / first:.2f}")


def measure(model: Path, size: tuple[int, int], rounds: int) -> dict[str, list[float]]:
    """Milliseconds until the first picture, by what a program finds."""
    times: dict[str, list[float]] = {"nothing kept": [], "kept": [], "cannot keep": []}
    with tempfile.TemporaryDirectory() as home:
        kept = Path(home) / "hsi-edge" / "openvino"
        _run(home, model, size)  # libraries and style codes come from the disk's cache from now on
        for _ in range(rounds):
            shutil.rmtree(kept)
            times["nothing kept"].append(_run(home, model, size))
            times["kept"].append(_run(home, model, size))
            shutil.rmtree(kept)
            kept.touch()
            times["cannot keep"].append(_run(home, model, size))
            kept.unlink()
            kept.mkdir(0o700)
    return times


def _run(home: str, model: Path, size: tuple[int, int]) -> float:
    command = [sys.executable, "-c", _PROGRAM, *map(str, (model, *size))]
    begun = time.monotonic()
    subprocess.run(command, env={**os.environ, "XDG_CACHE_HOME": home}, check=True)
    return 1e3 * (time.monotonic() - begun)


if __name__ == "__main__":
    main()
