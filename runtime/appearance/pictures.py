"""Pictures of any size to those a model takes."""

from collections.abc import Sequence

import cv2
import numpy as np

from hsi.runtime.appearance.denoiser import Pictures
from hsi.runtime.errors import FrameError
from hsi.runtime.frame import Image

MIN_SIDE = 8  # pixels: what is smaller is no picture, and scaling it up does not make it one


def fitted_pictures(pictures: Sequence[Image], size: tuple[int, int]) -> Pictures:
    """Pictures cropped about their centre to the shape of `size`, and scaled to it.

    Args:
        pictures: Each `(H, W, 3)` uint8 BGR, of any size.
        size: `(width, height)` in pixels.

    Returns:
        `(N, height, width, 3)`.

    Raises:
        FrameError: A picture has a side of fewer than `MIN_SIDE` pixels.
    """
    return np.stack([_fitted(picture, size) for picture in pictures])


def _sides(picture: Image) -> tuple[int, int]:
    height, width = picture.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise FrameError(
            f"picture must have sides of at least {MIN_SIDE} pixels, got {width}x{height}"
        )
    return height, width


def _fitted(picture: Image, size: tuple[int, int]) -> Image:
    height, width = _sides(picture)
    scale = max(size[0] / width, size[1] / height)
    inner = (round(size[0] / scale), round(size[1] / scale))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    crop = picture[top : top + inner[1], left : left + inner[0]]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, size, interpolation=interpolation), np.uint8)
