"""Cost is linear in pixels: time per pixel and peak memory at three sizes.

    python -m bench.linear_cost [--bundle model.hsi] [--rounds 7] [--json]

Times are interleaved in one process. Peak memory is that of one fresh process per size, less what
the same process held before its first frame.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import hsi.runtime
from bench.interleaved import Run, interleaved

SIZES = {"512x512": (512, 512), "1920x1080": (1080, 1920), "3840x2160": (2160, 3840)}


def main() -> None:
    """Measure and print, or measure one size's memory in a process of its own."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--bundle")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--json", action="store_true")
    p.add_argument("--peak", choices=SIZES, help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.peak:
        print(peak_mib(args.bundle, args.peak))
        return
    rows = measure(args.bundle, args.rounds)
    print(json.dumps(rows, indent=1) if args.json else table(rows))


def measure(bundle: str | None, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds, nanoseconds a pixel and MiB by size."""
    with hsi.runtime.load(bundle) as stylizer:
        stylizer.set_style(hsi.runtime.DEFAULT_STYLE)
        runs: dict[str, Run] = {name: _run(stylizer, *size) for name, size in SIZES.items()}
        timings = interleaved(runs, rounds)
    rows = {}
    for name, (height, width) in SIZES.items():
        ms = timings[name].median_ms
        rows[name] = {
            "ms": round(ms, 2),
            "ns_per_pixel": round(1e6 * ms / (height * width), 2),
            "peak_mib": _peak_in_a_process(bundle, name),
        }
    return rows


def table(rows: dict[str, dict[str, float]]) -> str:
    """The rows as text."""
    per_pixel = [row["ns_per_pixel"] for row in rows.values()]
    lines = [f"{'size':>12s} {'ms':>9s} {'ns/pixel':>9s} {'peak MiB':>9s}"]
    for name, row in rows.items():
        cells = f"{row['ms']:9.1f} {row['ns_per_pixel']:9.2f} {row['peak_mib']:9.0f}"
        lines.append(f"{name:>12s} {cells}")
    lines.append(f"largest over smallest time a pixel: {max(per_pixel) / min(per_pixel):.3f}")
    return "\n".join(lines)


def peak_mib(bundle: str | None, size: str) -> float:
    """MiB that this process takes for its first three frames of a size."""
    with hsi.runtime.load(bundle, verify=False) as stylizer:
        stylizer.set_style(hsi.runtime.DEFAULT_STYLE)
        # The style's own peak is not the frames': Linux forgets a peak when told 5.
        Path("/proc/self/clear_refs").write_text("5")
        before = memory_mib("VmRSS")
        run = _run(stylizer, *SIZES[size])
        for _ in range(3):
            run()
    return round(memory_mib("VmHWM") - before, 1)


def memory_mib(field: str) -> float:
    """MiB of this process, as Linux tells it: `VmRSS` now, `VmHWM` at its peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}: this needs Linux")


def _peak_in_a_process(bundle: str | None, size: str) -> float:
    command = [sys.executable, "-m", "bench.linear_cost", "--peak", size]
    command += ["--bundle", bundle] if bundle else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _run(stylizer: hsi.runtime.Stylizer, height: int, width: int) -> Run:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    frame = np.ascontiguousarray(small.repeat(8, 0).repeat(8, 1))
    out = np.empty_like(frame)

    def run() -> Any:
        return stylizer(frame, out=out)

    return run


if __name__ == "__main__":
    main()
