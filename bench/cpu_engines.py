"""OpenVINO against ONNX Runtime on this CPU: which one `--engine auto` should be.

    python -m bench.cpu_engines [--preset hsi-edge] [--size 1280x720] [--rounds 9] [--json]

Both presets at FP32 and INT8, the graphs alone, on all cores or `--threads`, interleaved: five
frames in a row each. Weights are random and INT8's ranges made up: both are nothing to the speed,
and no picture is judged. `openvino` has FP32 in the layout for CPUs that a bundle brings,
`openvino-plain` as ONNX Runtime has it.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from bench.interleaved import interleaved
from bench.preset_graphs import GRAPHS, noise, stylizer_graph
from bench.size_argument import size_argument
from hsi.calibrate.candidates import OpenVinoRun
from hsi.calibrate.doubling import without_doubling
from hsi.calibrate.gate import Candidate
from hsi.calibrate.quantiser import alike
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.model import PRESETS
from hsi.runtime.uri import size_from_text

STREAM = 5  # frames in a row
SIZES = {"hsi-edge": "1280x720", "hsi-vgg": "480x270"}


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--preset", action="append", choices=sorted(PRESETS))
    p.add_argument("--size", type=size_argument, help="of all presets (1280x720, hsi-vgg 480x270)")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--threads", type=int)
    p.add_argument("--graphs", type=Path, default=GRAPHS, help="folder of the networks' graphs")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    rows: list[dict[str, Any]] = []
    for preset in args.preset or sorted(PRESETS):
        rows += measure(preset, args.size or SIZES[preset], args)
        print(table(rows), file=sys.stderr, flush=True)
    print(json.dumps(rows, indent=1) if args.json else table(rows))


def measure(preset: str, size: str, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Milliseconds a frame of every engine at every precision."""
    fp32 = onnx.load_from_string(stylizer_graph(preset, "fp32", args.graphs))
    int8 = alike(fp32)
    code_size = StylizerRun(fp32, threads=1).code_size
    runs: dict[str, Candidate] = {
        "fp32 onnxruntime-cpu": StylizerRun(fp32, threads=args.threads),
        "fp32 openvino": OpenVinoRun(without_doubling(fp32), args.threads),
        "fp32 openvino-plain": OpenVinoRun(fp32, args.threads),
        "int8 onnxruntime-cpu": StylizerRun(int8, threads=args.threads),
        "int8 openvino": OpenVinoRun(int8, args.threads),
    }
    width, height = size_from_text(size, of="--size")
    frame = noise(height, width)
    code = np.random.default_rng(0).standard_normal(code_size, np.float32)
    for run in runs.values():  # OpenVINO compiles for a size that comes twice
        run.stylise(frame, code)
    timings = interleaved(
        {k: partial(run.stylise, frame, code) for k, run in runs.items()},
        args.rounds,
        in_a_row=STREAM,
    )
    first = timings["fp32 onnxruntime-cpu"].median_ms
    return [
        {
            "preset": preset,
            "size": size,
            "precision": name.split()[0],
            "engine": name.split()[1],
            "median_ms": round(timing.median_ms, 1),
            "best_ms": round(timing.best_ms, 1),
            "ratio": round(first / timing.median_ms, 2),
        }
        for name, timing in timings.items()
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text; `ratio` is the speed against ONNX Runtime's at FP32."""
    lines = [
        f"{'preset':9s} {'size':>10s} {'at':5s} {'engine':16s} {'median ms':>9s} {'best':>8s} ratio"
    ]
    for row in rows:
        lines.append(
            f"{row['preset']:9s} {row['size']:>10s} {row['precision']:5s} {row['engine']:16s} "
            f"{row['median_ms']:9.1f} {row['best_ms']:8.1f} x{row['ratio']:.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
