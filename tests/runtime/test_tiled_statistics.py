"""Statistics of cells, put together, against those of the whole frame."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime.engine import Engine, Frames
from hsi.runtime.frame import Image
from hsi.runtime.manifest import FrameContract, StatisticsField
from hsi.runtime.tiled_statistics import TiledStatistics
from hsi.runtime.tiling import Tiling

Vectors = npt.NDArray[np.float32]
FIELDS = (
    StatisticsField(name="0.mean", start=0, size=3),
    StatisticsField(name="0.variance", start=3, size=3),
    StatisticsField(name="1.mean", start=6, size=3),
    StatisticsField(name="1.covariance", start=9, size=6),
)


class Palette:
    """Measures the colours of what it is given, whatever is fed in counting for its weight."""

    cells = 0

    def measure(
        self, frames: Frames, codes: Vectors, fed: Vectors, weight: Vectors, strength: Vectors
    ) -> Vectors:
        self.cells += 1
        colours = frames.reshape(-1, 3).astype(np.float64) / 255
        covariance = np.cov(colours.T, bias=True)
        own = np.concatenate(
            [colours.mean(0), colours.var(0), colours.mean(0), covariance[np.tril_indices(3)]]
        )
        mixed: Vectors = (own + weight * (fed - own)).astype(np.float32)
        return mixed


@pytest.fixture
def frame() -> Image:
    """Another colour in every corner, `(256, 384, 3)`."""
    y, x = np.mgrid[:256, :384] / 384
    planes = np.stack([x, 0.7 * y, 0.3 * x + 0.9 * y * x], 2)
    return np.asarray(255 * planes, np.uint8)


@pytest.mark.parametrize("weight", [0.0, 0.75])
def test_cells_together_have_the_moments_of_the_frame(frame: Image, weight: float) -> None:
    contract = FrameContract(min_side=64, max_side=8192, stride=8, receptive_field=15)
    engine, tiling = Palette(), Tiling(contract, side=128, above=1)
    fed, one = np.full((1, 15), 0.5, np.float32), np.ones((1, 1), np.float32)
    vectors = (np.zeros((1, 1), np.float32), fed, weight * one, one)

    tiled = TiledStatistics(cast("Engine", engine), tiling, FIELDS)
    found = tiled.measure(frame[None], *vectors)

    assert engine.cells == 6
    wanted = Palette().measure(frame[None], *vectors)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
