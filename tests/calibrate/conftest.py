"""A stylizer of a few channels written by hand, in the layout of an export, and frames for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper, parser

from hsi.calibrate.frames import CalibrationFrame
from hsi.calibrate.gate import Gate, GatePair
from hsi.calibrate.gate_result import GateOptions
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.runtime.frame import Image

Vectors = npt.NDArray[np.float32]
WIDTH = 8  # channels

# Pixels to planes, three convolutions, the frame's mean taken out on the way, and pixels again.
STYLIZER = """
<ir_version: 10, opset_import: ["" : 20]>
tiny (
  uint8[N, H, W, 3] frame, float[N, 8] style_code, float[N, 8] statistics,
  float[N, 1] statistics_weight, float[N, 1] strength
) => (uint8[N, H, W, 3] stylised, float[N, 8] statistics_used)
<
  int64[2] sides = {2, 3}, float zero = {0.0}, float most = {255.0}, int64[2] spatial = {2, 3},
  int64[8] rim = {0, 0, 1, 1, 0, 0, 1, 1}
>
{
  pixels = Cast<to = 1>(frame)
  planes = Transpose<perm = [0, 3, 1, 2]>(pixels)
  padded = Pad<mode = "edge">(planes, rim)
  stem = Conv(padded, stem_weight, stem_bias)
  stem_active = LeakyRelu<alpha = 0.1>(stem)
  own = ReduceMean<keepdims = 0>(stem_active, spatial)
  apart = Sub(statistics, own)
  share = Mul(apart, statistics_weight)
  statistics_used = Add(own, share)
  shift = Add(statistics_used, style_code)
  spread = Unsqueeze(shift, sides)
  shifted = Sub(stem_active, spread)
  body = Conv(shifted, body_weight, body_bias)
  body_active = LeakyRelu<alpha = 0.1>(body)
  head = Conv(body_active, head_weight, head_bias)
  moved = Sub(head, planes)
  sides_of_strength = Unsqueeze(strength, sides)
  mixed = Mul(moved, sides_of_strength)
  drawn = Add(planes, mixed)
  rounded = Round(drawn)
  clipped = Clip(rounded, zero, most)
  rows = Transpose<perm = [0, 2, 3, 1]>(clipped)
  stylised = Cast<to = 2>(rows)
}
"""


@pytest.fixture(scope="session")
def make_stylizer() -> Callable[..., onnx.ModelProto]:
    """Make a stylizer, hostile to quantisation if asked.

    ``outlier`` multiplies one channel of its middle, and divides what reads it. ``cancelling`` puts
    two copies of a signal so many times as large into two channels, whose difference is read.
    """

    def make(outlier: float = 1.0, cancelling: float = 0.0) -> onnx.ModelProto:
        model = parser.parse_model(STYLIZER)
        for node in model.graph.node:  # the parser takes no dots
            for place, name in enumerate(node.input):
                layer, _, kind = name.rpartition("_")
                if kind in ("weight", "bias") and layer in ("stem", "body", "head"):
                    node.input[place] = f"network.{layer}.{kind}"
        rng = np.random.default_rng(0)
        body = rng.normal(size=(WIDTH, WIDTH, 1, 1)) / WIDTH**0.5
        stem = rng.random(size=(WIDTH, 3, 3, 3)) / 27 / 20  # blurs: of noise little is left
        head = rng.normal(size=(3, WIDTH, 1, 1)) * 20
        body[0] *= outlier
        head[:, 0] /= outlier
        if cancelling:
            body[1] = cancelling * body[2]
            body[0] += body[1]
            head[:, 1] = -head[:, 0]
        weights = {
            "stem.weight": stem,
            "stem.bias": rng.normal(size=WIDTH) * 0.1,
            "body.weight": body,
            "body.bias": rng.normal(size=WIDTH) * 0.1,
            "head.weight": head,
            "head.bias": np.full(3, 128.0),
        }
        for name, value in weights.items():
            array = numpy_helper.from_array(value.astype(np.float32), f"network.{name}")
            model.graph.initializer.append(array)
        onnx.checker.check_model(model, full_check=True)
        return model

    return make


@pytest.fixture(scope="session")
def stylizer(make_stylizer: Callable[..., onnx.ModelProto]) -> onnx.ModelProto:
    """A friendly one. No test may change it."""
    return make_stylizer()


@pytest.fixture(scope="session")
def codes() -> list[Vectors]:
    """Two style codes."""
    rng = np.random.default_rng(1)
    return [rng.normal(size=WIDTH).astype(np.float32) * 0.2 for _ in range(2)]


@pytest.fixture(scope="session")
def pictures(photo: Image) -> list[Image]:
    """Four parts of a photograph, 96x128."""
    return [
        np.ascontiguousarray(photo[y : y + 96, x : x + 128]) for y in (0, 300) for x in (0, 500)
    ]


@pytest.fixture(scope="session")
def samples(pictures: list[Image], codes: list[Vectors]) -> list[tuple[Image, Vectors]]:
    """What to calibrate on: three of the pictures in both styles."""
    return [(picture, code) for picture in pictures[:3] for code in codes]


@pytest.fixture(scope="session")
def gate(stylizer: onnx.ModelProto, pictures: list[Image], codes: list[Vectors]) -> Gate:
    """A gate on the fourth picture."""
    pairs = [GatePair(frame="part", style="first", image=pictures[3], code=codes[0])]
    return Gate(StylizerRun(stylizer, threads=1), pairs, GateOptions())


@pytest.fixture(scope="session")
def clip() -> Path:
    """A clip of 640x360 that is shipped as an example."""
    return Path(__file__).resolve().parents[2] / "examples" / "clips" / "bottles.mp4"


@pytest.fixture
def folder(tmp_path: Path, pictures: list[Image]) -> Iterator[Path]:
    """The pictures as files."""
    place = tmp_path / "pictures"
    place.mkdir()
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(place / f"{number}.png"), picture)
    yield place


@pytest.fixture(scope="session")
def calibration_frame() -> Callable[[Image], CalibrationFrame]:
    """A frame of a picture."""

    def frame(image: Image) -> CalibrationFrame:
        height, width = image.shape[:2]
        return CalibrationFrame(
            image=image, source="clip.mp4", number=3, width=width, height=height, sha256="0" * 64
        )

    return frame
