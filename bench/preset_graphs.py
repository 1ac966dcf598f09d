"""The stylizers of both presets with random weights, as torch modules and as ONNX graphs.

Weights are nothing to the speed of a network: these are fresh ones of the presets as they are.
"""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from hsi.calibrate.half import half
from hsi.export.graph import StylizerGraph
from hsi.model import PRESETS, StyleNetwork, build_network
from hsi.runtime.errors import HsiError
from hsi.runtime.frame import Image

SEED = 0
GRAPHS = Path(".gpu/graphs")
ROOT = Path(__file__).resolve().parents[1]


def seeded(preset: str) -> StyleNetwork:
    """A preset's network, its weights drawn from one seed so that pictures get through."""
    torch.manual_seed(SEED)
    network = build_network(PRESETS[preset]).eval().requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    return network


def stylizer_module(preset: str) -> StylizerGraph:
    """The module that :func:`stylizer_graph` is written from."""
    return StylizerGraph(seeded(preset)).eval().requires_grad_(False)


def stylizer_graph(preset: str, precision: str, folder: Path) -> bytes:
    """The FP32 or FP16 graph of a preset's stylizer.

    Args:
        preset: `hsi-edge` or `hsi-vgg`.
        precision: `fp32` or `fp16`.
        folder: Where the FP32 graph is kept, until the network's code changes: writing it takes a
            minute, and what a machine with a GPU may lack, such as onnxscript.

    Raises:
        SystemExit: It is not kept and cannot be written here.
    """
    kept = folder / f"{preset}-{_digest_of_code(preset)}.onnx"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{preset}*.onnx"):
            old.unlink()
        try:
            from hsi.export.onnx_writer import stylizer_onnx

            kept.write_bytes(stylizer_onnx(seeded(preset)))
        except (ImportError, HsiError) as error:
            raise SystemExit(
                f"{kept}: not there, and cannot be written here ({error}): bring it from a machine "
                "with 'hsi-edge[export]', where this command has run"
            ) from error
    data = kept.read_bytes()
    if precision == "fp32":
        return data
    return bytes(half(onnx.load_from_string(data)).SerializeToString())


def _digest_of_code(preset: str) -> str:
    """Of what a graph follows from: the options, and how networks compute and are written."""
    found = hashlib.sha256(repr(PRESETS[preset]).encode())
    for file in sorted((*(ROOT / "model").glob("*.py"), *(ROOT / "export").glob("*.py"))):
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def noise(height: int, width: int) -> Image:
    """A frame `(H, W, 3) uint8` of blocks of 8x8 pixels."""
    small = np.random.default_rng(0).integers(
        0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8
    )
    return np.ascontiguousarray(small.repeat(8, 0).repeat(8, 1)[:height, :width])
