"""What an INT8 frame takes in OpenVINO, where it goes, and the least for its multiply-adds.

    python -m bench.arithmetic [model.hsi] [--size 1280x720] [--threads 2] [--rounds 9] [--json]

Frames come ten in a row, as in a stream, and one by itself after a pause, the engines in turn. The
least is what the machine takes for as many multiply-adds in a chain of convolutions of the
trunk's shape, with nothing between them. The INT8 graph is the bundle's; where it has none, one is
made of a shipped photograph, and not judged. What single nodes take is OpenVINO's own count.
"""

import argparse
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import openvino
from onnx import helper, numpy_helper

from bench.bundle_argument import bundle_argument
from bench.interleaved import interleaved
from hsi.calibrate.quantise import quantised
from hsi.calibrate.quantiser import Quantiser
from hsi.calibrate.stylizer_run import StylizerRun, encode_styles, statistics_size, stylizer_feed
from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.frame import Image
from hsi.runtime.style_picture import sized_style, style_from_bytes
from hsi.runtime.styles import shipped_styles
from hsi.runtime.uri import size_from_text

PHOTOGRAPH = Path(__file__).resolve().parents[1] / "export" / "data" / "frame.jpg"
STREAM = 10  # frames in a row
CHAIN, WIDTH, STRIDE = 8, 64, 8  # convolutions, channels, pixels of the frame a position
KINDS = {
    "convolutions": ("Convolution",),
    "layouts": ("Reorder", "Transpose"),
    "pixels to blocks and back": ("MatMul", "Pad", "Slice", "Convert", "Concat"),
    "to levels": ("FakeQuantize",),
    "enlarging": ("Interpolate",),
}
REST = "moments, modules, sums"


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("bundle", type=bundle_argument, nargs="?", default=shipped_bundle())
    p.add_argument("--size", default="1280x720")
    p.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    size = size_from_text(args.size, of="size")
    result = measure(Bundle(args.bundle), size, args.threads, args.rounds)
    print(json.dumps(result, indent=1) if args.json else table(result))


def measure(bundle: Bundle, size: tuple[int, int], threads: int, rounds: int) -> dict[str, Any]:
    """Milliseconds a frame, by graph and by kind of node, and multiply-adds."""
    fp32, int8, code = graphs(bundle)
    frame = np.asarray(cv2.resize(photograph(), size), np.uint8)
    feed = stylizer_feed(frame, code, statistics_size(fp32))
    chain = quantised(_chain(size), {f"{i}": 4.0 for i in range(CHAIN)})
    chain_feed = {"x": np.random.default_rng(0).normal(0, 1, _chain_shape(size)).astype("f4")}
    run = StylizerRun(fp32, threads=threads)
    frames, least = _Counted(int8, threads, feed), _Counted(chain, threads, chain_feed)
    runs = {
        "FP32, ONNX Runtime": lambda: run.stylise(frame, code),
        "INT8, OpenVINO": frames.run,
    }
    single, stream = (interleaved(runs, rounds, in_a_row=n) for n in (1, STREAM))
    for one in (frames, least):
        one.count(rounds)
    rate = least.macs / least.kinds["convolutions"]  # multiply-adds a millisecond
    return {
        "size": f"{size[0]}x{size[1]}",
        "threads": threads,
        "judged": bundle.manifest.variant("int8") is not None,
        "ms": {name: round(timing.median_ms, 1) for name, timing in stream.items()},
        "single_ms": {name: round(timing.median_ms, 1) for name, timing in single.items()},
        "gmac": round(frames.macs / 1e9, 2),
        "gmac_per_s": round(rate / 1e6, 1),
        "least_ms": round(frames.macs / rate, 1),
        "kinds_ms": {kind: round(ms, 1) for kind, ms in frames.kinds.items()},
    }


def table(result: dict[str, Any]) -> str:
    """The result as text."""
    int8 = result["ms"]["INT8, OpenVINO"]
    judged = "" if result["judged"] else ", not judged"
    lines = [f"{result['size']}, {result['threads']} threads{judged}; milliseconds a frame"]
    for times, how in (("ms", f"{STREAM} in a row"), ("single_ms", "by itself")):
        first = next(iter(result[times].values()))
        for name, ms in result[times].items():
            lines.append(f"  {name + ', ' + how:31s} {ms:5.1f}  x{first / ms:.2f}")
    lines.append(f"  {'frames a second in INT8':31s} {1e3 / int8:5.1f}")
    lines.append(
        f"  {'least for its multiply-adds':31s} {result['least_ms']:5.1f}  "
        f"({result['gmac']} billion at {result['gmac_per_s']} billion a second)"
    )
    lines.append("where INT8 spends its time, as OpenVINO counts it")
    lines += [f"  {kind:31s} {ms:5.1f}" for kind, ms in result["kinds_ms"].items()]
    return "\n".join(lines)


class _Counted:
    """One graph in OpenVINO, its nodes' times and the multiply-adds of its convolutions."""

    def __init__(self, model: onnx.ModelProto, threads: int, feed: dict[str, Any]) -> None:
        core = openvino.Core()
        read = core.read_model(model.SerializeToString())
        read.reshape({name: list(value.shape) for name, value in feed.items()})
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        plain, counting = (
            core.compile_model(read, "CPU", settings | {"PERF_COUNT": count})
            for count in (False, True)
        )
        self._request, self._counting = (one.create_infer_request() for one in (plain, counting))
        self._feed = feed
        self.macs = sum(_macs(op) for op in read.get_ops() if op.get_type_name() == "Convolution")
        self.kinds: dict[str, float] = {}

    def run(self) -> object:
        """Once."""
        return self._request.infer(self._feed, share_inputs=True, share_outputs=True)

    def count(self, rounds: int) -> None:
        """Fill ``kinds``: milliseconds a run by kind of node, the most first."""
        sums: dict[str, float] = defaultdict(float)
        for number in range(rounds + 1):
            self._counting.infer(self._feed)
            for node in self._counting.get_profiling_info() if number else ():
                sums[_kind(node.node_type)] += 1e3 * node.real_time.total_seconds() / rounds
        self.kinds = dict(sorted(sums.items(), key=lambda item: -item[1]))


def graphs(bundle: Bundle) -> tuple[onnx.ModelProto, onnx.ModelProto, Any]:
    """The FP32 graph, an INT8 one, and a style's code `(K,)`."""
    fp32 = onnx.load_from_string(bundle.read(bundle.manifest.stylizer.part))
    file = next(iter(shipped_styles().values()))
    style = sized_style(style_from_bytes(file.read_bytes(), file), 384)
    (code,) = encode_styles(bundle.read(bundle.manifest.style_encoder.part), [style])
    variant = bundle.manifest.variant("int8")
    if variant is not None:
        return fp32, onnx.load_from_string(bundle.read(variant.graph.part)), code
    return fp32, Quantiser(fp32, [(photograph(), code)]).graph(), code


def photograph() -> Image:
    """`(H, W, 3) uint8 BGR`, the one that every export is judged on."""
    return np.asarray(cv2.imread(str(PHOTOGRAPH)), np.uint8)


def _kind(node_type: str) -> str:
    return next((kind for kind, types in KINDS.items() if node_type in types), REST)


def _macs(convolution: Any) -> int:
    made, weight = (convolution.output(0).shape, convolution.input_value(1).shape)
    return int(np.prod(list(made)) * np.prod(list(weight)[1:]))


def _chain_shape(size: tuple[int, int]) -> tuple[int, ...]:
    return (1, WIDTH, size[1] // STRIDE, size[0] // STRIDE)


def _chain(size: tuple[int, int]) -> onnx.ModelProto:
    """Convolutions and ReLUs, one behind the other."""
    rng = np.random.default_rng(0)
    shape = _chain_shape(size)
    nodes, weights = [], []
    for i in range(CHAIN):
        made = "y" if i == CHAIN - 1 else f"x{i + 1}"
        inputs = [f"x{i}" if i else "x", f"{i}.weight", f"{i}.bias"]
        nodes.append(helper.make_node("Conv", inputs, [f"c{i}"], f"conv{i}", pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [made], f"relu{i}"))
        values = rng.normal(0, (2 / (9 * WIDTH)) ** 0.5, (WIDTH, WIDTH, 3, 3)).astype("f4")
        weights.append(numpy_helper.from_array(values, f"{i}.weight"))
        weights.append(numpy_helper.from_array(np.zeros(WIDTH, "f4"), f"{i}.bias"))
    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in "xy"]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], weights)
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, ir_version=10, opset_imports=opset)


if __name__ == "__main__":
    main()
