"""An engine without a network, whose pictures are even."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hsi.runtime.frame import Image

Vectors = npt.NDArray[np.float32]


class FakeEngine:
    """Remembers what it was handed. A style's code is its mean colour, twice."""

    name = "fake"

    def __init__(self) -> None:
        self.encoded: list[Image] = []
        self.frames: list[Image] = []
        self.outs: list[Image] = []
        self.closed = False

    def encode_style(self, style: Image) -> Vectors:
        self.encoded.append(style)
        return np.tile(style.mean((1, 2), dtype=np.float32), 2)

    def stylize(
        self,
        frames: Image,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Image,
    ) -> Vectors:
        self.frames.append(frames)
        self.outs.append(out)
        out[:] = codes[:, 0] * strength[:, 0]
        return statistics + statistics_weight

    def close(self) -> None:
        self.closed = True


def even(value: int, height: int = 70, width: int = 80) -> Image:
    """Return a picture of one level."""
    return np.full((height, width, 3), value, np.uint8)
