"""The same frames through every engine that runs here, at one precision, give the same pictures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime import Stylizer
from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import BUILT, ENGINES, open_engine
from hsi.runtime.errors import EngineError
from hsi.runtime.style_code import StyleCache

Image = npt.NDArray[np.uint8]
REFERENCE = "onnxruntime-cpu"
NEVER_READY = ("auto", *BUILT)  # a name for another, and those that build first


def stylised(shipped: Path, cache: Path, engine: str, frames: list[Image]) -> list[Image]:
    bundle = Bundle(shipped)
    bundle.restrict("fp32")
    with Stylizer(bundle, open_engine(bundle, engine, threads=1), StyleCache(cache)) as stylizer:
        return [stylizer(frame) for frame in frames]


def psnr_db(first: Image, second: Image) -> float:
    error = float(np.mean((first.astype(np.float64) - second) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-12))


@pytest.mark.parametrize("engine", [one for one in ENGINES if one not in (*NEVER_READY, REFERENCE)])
def test_an_engine_is_within_50_db_of_the_reference(
    shipped: Path, tmp_path: Path, photo: Image, engine: str
) -> None:
    parts = [(0, 0, 128, 96), (200, 100, 161, 131), (400, 200, 256, 192)]
    frames = [np.ascontiguousarray(photo[y : y + h, x : x + w]) for x, y, w, h in parts]
    try:
        found = stylised(shipped, tmp_path / engine, engine, frames)
    except EngineError as error:
        pytest.skip(f"{engine} does not run here: {error}")

    wanted = stylised(shipped, tmp_path / REFERENCE, REFERENCE, frames)

    assert min(map(psnr_db, found, wanted)) >= 50


def test_another_picture_is_further_off(shipped: Path, tmp_path: Path, photo: Image) -> None:
    frames = [np.ascontiguousarray(photo[:96, x : x + 128]) for x in (0, 1)]

    first, second = stylised(shipped, tmp_path, REFERENCE, frames)

    assert psnr_db(first, second) < 40
