"""The same graph through every engine that runs here gives the same picture, at each precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from hsi.calibrate.candidates import candidates_of
from hsi.calibrate.finer_layers import FinerLayers
from hsi.calibrate.half import half
from hsi.calibrate.quantiser import Quantiser
from hsi.calibrate.stylizer_run import StylizerRun, encode_styles
from hsi.runtime.bundle import Bundle
from hsi.runtime.frame import Image

Vectors = npt.NDArray[np.float32]

pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def frame(photo: Image) -> Image:
    """256x192."""
    return np.ascontiguousarray(photo[100:292, 200:456])


@pytest.fixture(scope="module")
def code(shipped: Path, photo: Image) -> Vectors:
    encoder = Bundle(shipped).read("style_encoder.onnx")
    return encode_styles(encoder, [np.ascontiguousarray(photo[:128, :128])])[0]


@pytest.fixture(scope="module")
def model(shipped: Path) -> onnx.ModelProto:
    return onnx.load_from_string(Bundle(shipped).read("stylizer.onnx"))


@pytest.fixture(scope="module")
def quantiser(model: onnx.ModelProto, frame: Image, code: Vectors) -> Quantiser:
    return Quantiser(model, [(frame, code)])


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_engines_are_within_50_db_of_each_other(
    model: onnx.ModelProto, quantiser: Quantiser, frame: Image, code: Vectors, precision: str
) -> None:
    graphs: dict[str, Callable[[], onnx.ModelProto]] = {
        "fp32": lambda: model,
        "fp16": lambda: half(model),
        "int8": quantiser.graph,
    }
    graph = graphs[precision]()

    assert between_engines(graph, frame, code) >= 50


@pytest.mark.parametrize("layer", ["stem", "fuse", "head"])
def test_engines_compute_a_layer_in_int8_alike(
    quantiser: Quantiser, frame: Image, code: Vectors, layer: str
) -> None:
    others = [other for other in quantiser.layers if other != layer]
    alone = quantiser.graph(FinerLayers.in_float(others))

    assert between_engines(alone, frame, code) >= 65


def test_engines_at_int8_differ_by_less_than_int8_costs(
    model: onnx.ModelProto, quantiser: Quantiser, frame: Image, code: Vectors
) -> None:
    """Twenty roundings in a row make levels of a last bit, on one engine as on two."""
    graph = quantiser.graph()
    run = StylizerRun(graph)
    picture = run.stylise(frame, code)
    cost = psnr_db(picture, StylizerRun(model).stylise(frame, code))
    # Whether a last bit turns a rounding over is chance: of several, the one that does most.
    moved = (run.stylise(frame, code * np.float32(1 + n * 1e-6)) for n in (-3, -2, -1, 1, 2, 3))
    last_bits = min(psnr_db(picture, one) for one in moved)

    found = between_engines(graph, frame, code)

    assert found >= cost + 3
    assert found >= last_bits - 6


def between_engines(graph: onnx.ModelProto, frame: Image, code: Vectors) -> float:
    """Least PSNR in dB between any engine and the first."""
    first, *others = (one.stylise(frame, code) for one in candidates_of(graph))
    return min(psnr_db(first, other) for other in others)


def psnr_db(first: Image, second: Image) -> float:
    error = float(np.mean((first.astype(np.float64) - second) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-12))
