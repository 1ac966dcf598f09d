"""The frame path on a GPU: ONNX Runtime against torch, with the transfers that nobody escapes.

    python -m bench.frame_path [--json] [--size 1280x720 ...] [--preset hsi-edge] [--precision fp16]

Both presets at FP32 and FP16. A frame starts and ends in host memory, so every time includes its
way to the device and back; `compute` is without. IO binding and CUDA graphs have rows of their own.
Contestants take turns frame by frame. Pictures are compared with those of torch eager at FP32:
a wrong one may well be fast. Weights are random: they are nothing to the speed.

Without a GPU the same runs on the CPU, on smaller frames, and the first line says so. Graphs are
written once to `--graphs`, which a machine without onnxscript may be given. Lines come on stderr
while it runs; the table, or with `--json` its JSON, on stdout at the end, also of a run that is
ended by SIGTERM or Ctrl-C.
"""

import argparse
import json
import math
import os
import platform
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch

from bench.frame_contestants import EAGER, FLOOR, FramePath, makers
from bench.interleaved import interleaved
from bench.preset_graphs import GRAPHS, noise, stylizer_graph, stylizer_module
from bench.size_argument import size_argument
from hsi.model import PRESETS
from hsi.runtime.frame import Image
from hsi.runtime.uri import size_from_text

GPU_SIZES = ("1280x720", "1920x1080", "3840x2160")
CPU_SIZES = ("320x180",)
WARM_UPS = 3  # the first frame allocates, the second may be recorded


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contestant at one size."""

    preset: str
    precision: str
    size: str
    contestant: str
    median_ms: float  # transfers included
    best_ms: float
    compute_ms: float | None  # median without transfers; None where it is not told
    copies: float  # median over that of bare copies
    against_eager: float | None  # torch eager's median over this one: above 1 is faster
    psnr_db: float | None  # against torch eager at FP32; None for copies


@dataclass(kw_only=True)
class Report:
    """What was found so far."""

    device: str
    on_gpu: bool
    tf32: bool
    versions: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # who does not run here, and why
    complete: bool = False


def main() -> None:
    """Measure and print."""
    args = _arguments().parse_args()
    device = "cuda" if torch.cuda.is_available() and not args.cpu else "cpu"
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = args.tf32
    report = _report(device, args.tf32)
    _say(_first_line(report))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for preset in args.preset or PRESETS:
            for precision in args.precision or ("fp32", "fp16"):
                _measure(report, args, device, preset, precision)
        report.complete = True
    except KeyboardInterrupt:
        _say("interrupted: what follows is what was found")
    print(json.dumps(asdict(report), indent=1) if args.json else table(report))


def table(report: Report) -> str:
    """The report as text."""
    head = (
        f"{'preset':9s} {'at':5s} {'size':>10s} {'contestant':36s} {'median ms':>9s} {'best':>8s} "
        f"{'compute':>8s} {'copies':>7s} {'x eager':>8s} {'PSNR':>6s}"
    )
    lines = [_first_line(report), head]
    for row in report.rows:
        lines.append(
            f"{row.preset:9s} {row.precision:5s} {row.size:>10s} {row.contestant:36s} "
            f"{row.median_ms:9.2f} {row.best_ms:8.2f} {_number(row.compute_ms, 2):>8s} "
            f"{row.copies:7.1f} {_number(row.against_eager, 2):>8s} {_number(row.psnr_db, 1):>6s}"
        )
    return "\n".join([*lines, *report.left_out])


def _measure(
    report: Report, args: argparse.Namespace, device: str, preset: str, precision: str
) -> None:
    data = stylizer_graph(preset, precision, args.graphs)
    module = stylizer_module(preset)
    sizes = args.size or (GPU_SIZES if device == "cuda" else CPU_SIZES)
    # A module of its own tells what is right, on the CPU's or the GPU's FP32.
    truth = dict(makers(data, stylizer_module(preset), "fp32", device, args.tf32, args.threads))
    opened: dict[str, FramePath] = {}
    for name, make in makers(data, module, precision, device, args.tf32, args.threads).items():
        for path in _trying(report, f"{preset} {precision} {name}", make):
            opened[name] = path
    for text in sizes:
        width, height = size_from_text(text, of="--size")
        frame = noise(height, width)
        wanted = np.empty_like(frame)
        truth[EAGER]().run(frame, wanted)
        report.rows += _rows(report, opened, frame, wanted, args.rounds, (preset, precision, text))


def _rows(
    report: Report,
    opened: dict[str, FramePath],
    frame: Image,
    wanted: Image,
    rounds: int,
    what: tuple[str, str, str],
) -> Iterator[Row]:
    made = {name: np.empty_like(frame) for name in opened}
    told: dict[str, list[float]] = {name: [] for name in opened}

    def turn(name: str) -> None:
        path = opened[name]
        path.run(frame, made[name])
        if path.compute_ms is not None:
            told[name].append(path.compute_ms)

    for name in list(opened):
        if not list(_trying(report, f"{' '.join(what)} {name}", partial(_warm, turn, name))):
            del opened[name]
    timings = interleaved({name: partial(turn, name) for name in opened}, rounds)
    floor = timings[FLOOR].median_ms
    eager = timings[EAGER].median_ms if EAGER in timings else None
    for name, timing in timings.items():
        computes = told[name][-rounds:]
        row = Row(
            preset=what[0],
            precision=what[1],
            size=what[2],
            contestant=name,
            median_ms=round(timing.median_ms, 3),
            best_ms=round(timing.best_ms, 3),
            compute_ms=round(float(np.median(computes)), 3) if computes else None,
            copies=round(timing.median_ms / floor, 1),
            against_eager=round(eager / timing.median_ms, 3) if eager and name != FLOOR else None,
            psnr_db=None if name == FLOOR else round(_psnr(made[name], wanted), 1),
        )
        _say(f"{' '.join(what)} {name}: {row.median_ms} ms, compute {row.compute_ms}")
        yield row


def _warm(turn: Any, name: str) -> bool:
    for _ in range(WARM_UPS):
        turn(name)
    return True


def _trying(report: Report, what: str, make: Any) -> Iterator[Any]:
    """What is made, or nothing and a line that says why."""
    try:
        yield make()
    except Exception as error:  # of any library: the others are measured all the same
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        report.left_out.append(f"{what} does not run here: {reason}")
        _say(report.left_out[-1])


def _report(device: str, tf32: bool) -> Report:
    on_gpu = device == "cuda"
    name = torch.cuda.get_device_name() if on_gpu else platform.processor() or platform.machine()
    versions = {"torch": torch.__version__, "onnxruntime": ort.__version__}
    return Report(device=name, on_gpu=on_gpu, tf32=tf32, versions=versions)


def _first_line(report: Report) -> str:
    told = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    where = (
        f"on {report.device}, TF32 {'on' if report.tf32 else 'off'}"
        if report.on_gpu
        else "no GPU here: this is the CPU, which has no transfers to save and no CUDA graphs"
    )
    return f"frame path {where}; {told}"


def _psnr(first: Image, second: Image) -> float:
    error = float(np.mean((first.astype(np.float32) - second) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-9))


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--preset", action="append", choices=sorted(PRESETS))
    p.add_argument("--precision", action="append", choices=("fp32", "fp16"))
    p.add_argument("--size", action="append", type=size_argument, metavar="WxH")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of the CPU")
    p.add_argument("--tf32", action="store_true", help="let FP32 be computed as TF32, by all")
    p.add_argument("--cpu", action="store_true", help="though there is a GPU")
    p.add_argument("--graphs", type=Path, default=GRAPHS, help="folder of the networks' graphs")
    p.add_argument("--json", action="store_true")
    return p


if __name__ == "__main__":
    main()
