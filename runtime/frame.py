"""One picture on its way from a source to the outputs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import FrameError
from hsi.runtime.journey import NO_JOURNEY, Journey

Image = npt.NDArray[np.uint8]
"""`(H, W, 3)` uint8, BGR, C-contiguous."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture of a source.

    The frame owns its image: no source writes into an image it has handed out.

    Raises:
        FrameError: The image is not `(H, W, 3)` uint8 with at least one pixel.
    """

    image: Image  # (H, W, 3) uint8 BGR
    number: int  # counts from 0 at the source, dropped frames included
    time_s: float  # media time of a file; seconds since opening, by the monotonic clock, if live
    source: str  # the address without credentials
    path: Path | None = None  # the file, when this frame is one picture file
    captured_at: float | None = None  # when it came, by time.monotonic(); set by the pipeline
    repeated: bool = False  # whether an output gets it again, since nothing newer has come
    journey: Journey = NO_JOURNEY  # is told where this frame has been
    stylised: bool = False  # whether the picture that an output gets with it is in the style

    def __post_init__(self) -> None:
        image = self.image
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise FrameError(
                f"frame {self.number} of {self.source} must be (H, W, 3) uint8, "
                f"got {image.shape} {image.dtype}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """`(width, height)` in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def age_s(self) -> float:
        """Return the seconds since it came, or 0 where it did not come through a pipeline."""
        return 0.0 if self.captured_at is None else time.monotonic() - self.captured_at
