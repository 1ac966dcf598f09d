"""Latency of candidate shapes with random weights: how the shape of hsi-edge was chosen.

    pip install -e '.[dev,bench]' && python -m bench.shapes [--size 1280x720] [--rounds 9]

Each candidate is exported, quantised to symmetric INT8 Q/DQ from one frame, and timed interleaved
with the others: ONNX Runtime FP32, OpenVINO FP32 and OpenVINO INT8, on all cores. The first one is
the plain trunk that the others are measured against: eight convolutions of 32 channels at stride 4,
one statistics block, a pixel shuffle by 4.
"""

import argparse
import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import openvino as ov
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import Tensor, nn

from bench.interleaved import Run, interleaved
from hsi.export.onnx_writer import stylizer_onnx
from hsi.model import PRESETS, StyleNetwork, build_network
from hsi.model.injection import Injection, Injector
from hsi.model.injector import StyleInjector
from hsi.model.picture_head import PictureHead

EDGE = PRESETS["hsi-edge"]


class PlainTrunk(StyleNetwork):
    """The trial trunk: everything at stride 4, one or more statistics blocks."""

    block = 4
    made_block = 4

    def __init__(self, blocks: int) -> None:
        super().__init__(EDGE)
        self.stem = nn.Conv2d(48, 32, 3, padding=1)
        self.trunk = nn.ModuleList(nn.Conv2d(32, 32, 3, padding=1) for _ in range(8))
        self.modules_ = nn.ModuleList(
            StyleInjector(32, (16,), 16, EDGE.injector) for _ in range(blocks)
        )
        self.head = nn.Conv2d(32, 48, 3, padding=1)

    def style_levels(self, style: Tensor) -> list[Tensor]:
        """Nothing: the style side is not timed."""
        return []

    def feature_injectors(self) -> list[Injector]:
        """The blocks."""
        return list(self.modules_)  # type: ignore[arg-type]

    def picture_weights(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Those of stem and head."""
        return self.stem.weight, self.head.weight, self.head.bias

    def render(self, frame: Tensor, inject: Injection) -> Tensor:
        """Convolutions, a block before every few of them."""
        x = torch.relu(self.stem(frame))
        every = len(self.trunk) // len(self.modules_)
        for number, conv in enumerate(self.trunk):
            x = inject(x) if number % every == 0 else x
            x = torch.relu(conv(x))
        blocks: Tensor = self.head(x)
        return blocks


def candidates() -> dict[str, StyleNetwork]:
    """Networks by name, freshly initialised."""
    torch.manual_seed(0)
    return {
        "plain trunk, 1 block": PlainTrunk(1),
        "plain trunk, 4 blocks": PlainTrunk(4),
        "hsi-edge 32-64x3": build_network(EDGE),
        "hsi-edge 24-64x3": build_network(replace(EDGE, stem_width=24)),
        "hsi-edge 32-96x1": build_network(replace(EDGE, body_width=96, modules=1)),
        "hsi-edge 32-48x4": build_network(replace(EDGE, body_width=48, modules=4)),
    }


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--size", default="1280x720")
    p.add_argument("--rounds", type=int, default=9)
    args = p.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    width, height = map(int, args.size.split("x"))
    runs: dict[str, Run] = {}
    macs = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, network in candidates().items():
            macs[name] = macs_per_pixel(network)
            runs |= _contestants(Path(folder), name, network.eval(), height, width)
        timings = interleaved(runs, args.rounds)
    print(f"{args.size}, median ms of {args.rounds} interleaved rounds")
    print(f"{'network':24s} {'MAC/px':>7s} {'ORT FP32':>9s} {'OV FP32':>9s} {'OV INT8':>9s}")
    for name in macs:
        row = [timings[f"{name} {kind}"].median_ms for kind in ("ort", "ov", "ov8")]
        print(f"{name:24s} {macs[name]:7.0f} " + " ".join(f"{ms:9.1f}" for ms in row))


def macs_per_pixel(network: StyleNetwork) -> float:
    """Multiply-adds of the frame path's convolutions for a pixel of a frame of 512x512."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, PictureHead):
            total += output.numel() * module.weight.shape[1] * 9

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    with torch.no_grad():
        network(torch.rand(1, 3, 512, 512), torch.rand(1, network.code_size))
    for hook in hooks:
        hook.remove()
    return total / 512**2


class _OneFrame(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feed: dict[str, Any]) -> None:
        self._feeds = [feed]

    def get_next(self) -> dict[str, Any] | None:
        return self._feeds.pop() if self._feeds else None


def _contestants(
    folder: Path, name: str, network: StyleNetwork, height: int, width: int
) -> dict[str, Run]:
    plain, quantised = folder / f"{name}.onnx", folder / f"{name}.int8.onnx"
    plain.write_bytes(stylizer_onnx(network))
    feed = _feed(network, height, width)
    quantize_static(
        plain,
        quantised,
        _OneFrame(feed),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv"],
        extra_options={
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
            "AddQDQPairToWeight": True,
            "OpTypesToExcludeOutputQuantization": ["Conv"],
        },
    )
    session = ort.InferenceSession(plain, providers=["CPUExecutionProvider"])
    core = ov.Core()
    requests = [
        core.compile_model(path, "CPU", {"PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
        for path in (plain, quantised)
    ]
    return {
        f"{name} ort": lambda: session.run(None, feed),
        f"{name} ov": lambda: requests[0].infer(feed),
        f"{name} ov8": lambda: requests[1].infer(feed),
    }


def _feed(network: StyleNetwork, height: int, width: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (1, height // 8, width // 8, 3), dtype=np.uint8)
    return {
        "frame": np.ascontiguousarray(small.repeat(8, 1).repeat(8, 2)),
        "style_code": rng.standard_normal((1, network.code_size)).astype(np.float32),
        "statistics": np.zeros((1, network.statistics_size), np.float32),
        "statistics_weight": np.zeros((1, 1), np.float32),
        "strength": np.ones((1, 1), np.float32),
    }


if __name__ == "__main__":
    main()
