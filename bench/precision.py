"""What FP16 and INT8 cost the picture and save in time on CPUs: against the bundle's FP32.

    python -m bench.precision model.hsi clip.mp4 ... [--size 1280x720] [--frames 4] [--rounds 9]

Times are of the graphs alone, interleaved, on all cores or ``--threads``. Pictures are frames
spread over each clip, the shipped styles by turn, at full strength; with ``--loss-network`` (a
normalised VGG-19) the change of AdaIN's losses is told too.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import onnx

from bench.bundle_argument import bundle_argument
from bench.interleaved import interleaved
from hsi.calibrate.calibration_set import HELD_OUT
from hsi.calibrate.candidates import OpenVinoRun
from hsi.calibrate.frames import read_frames
from hsi.calibrate.gate import Candidate, Gate, GatePair
from hsi.calibrate.gate_result import GateOptions
from hsi.calibrate.gate_table import gate_table
from hsi.calibrate.half import half
from hsi.calibrate.losses import VggLosses
from hsi.calibrate.stylizer_run import StylizerRun, encode_styles
from hsi.runtime.bundle import Bundle
from hsi.runtime.frame import Image
from hsi.runtime.style_picture import sized_style, style_from_bytes
from hsi.runtime.styles import shipped_styles
from hsi.runtime.uri import size_from_text


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("bundle", type=bundle_argument)
    p.add_argument("clips", nargs="+")
    p.add_argument("--size", default="1280x720")
    p.add_argument("--frames", type=int, default=HELD_OUT, help="of each clip")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--threads", type=int)
    p.add_argument("--loss-network", type=Path)
    args = p.parse_args()
    runs, styles, pairs = prepared(args.bundle, args.clips, args.frames, args.threads)
    size = size_from_text(args.size, of="size")
    print(times_table(runs, pairs[0], size, args.rounds))
    meter = VggLosses(args.loss_network, styles) if args.loss_network else None
    gate = Gate(runs["fp32 onnxruntime"], pairs, GateOptions(), meter)
    lower = [(name.split()[0], run) for name, run in runs.items() if not name.startswith("fp32")]
    print(gate_table([gate.judge(run, precision) for precision, run in lower]))


def prepared(
    path: Path, clips: list[str], frames: int, threads: int | None
) -> tuple[dict[str, Candidate], dict[str, Image], list[GatePair]]:
    """The graphs on their engines, the styles, and frames in styles."""
    bundle = Bundle(path)
    variant = bundle.manifest.variant("int8")
    if variant is None:
        raise SystemExit(f"{path}: expected an INT8 variant, found none: hsi-export --precision")
    fp32, int8 = (
        onnx.load_from_string(bundle.read(part))
        for part in (bundle.manifest.stylizer.part, variant.graph.part)
    )
    runs: dict[str, Candidate] = {}
    for precision, graph in {"fp32": fp32, "fp16": half(fp32), "int8": int8}.items():
        runs[f"{precision} onnxruntime"] = StylizerRun(graph, threads=threads)
        runs[f"{precision} openvino"] = OpenVinoRun(graph, threads)
    styles = {
        name: sized_style(style_from_bytes(file.read_bytes(), file), 384)
        for name, file in shipped_styles().items()
    }
    codes = encode_styles(bundle.read(bundle.manifest.style_encoder.part), list(styles.values()))
    named = list(zip(styles, codes, strict=True))
    found = read_frames(clips, side=960, candidates=frames * len(clips))
    pairs = [
        GatePair(frame=f"{one.source} {one.number}", style=style, image=one.image, code=code)
        for number, one in enumerate(found)
        for style, code in (named[number % len(named)],)
    ]
    return runs, styles, pairs


def times_table(
    runs: dict[str, Candidate], pair: GatePair, size: tuple[int, int], rounds: int
) -> str:
    """Milliseconds a frame."""
    frame = np.asarray(cv2.resize(pair.image, size), np.uint8)
    timings = interleaved(
        {name: lambda run=run: run.stylise(frame, pair.code) for name, run in runs.items()},  # type: ignore[misc]
        rounds,
    )
    slowest = timings["fp32 onnxruntime"].median_ms
    lines = [f"{size[0]}x{size[1]}, {rounds} interleaved rounds{'median ms':>14s} {'best':>7s}"]
    for name, one in timings.items():
        ratio = slowest / one.median_ms
        lines.append(f"{name:>30s} {one.median_ms:14.1f} {one.best_ms:7.1f}  x{ratio:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
