"""A frame in some two hundred numbers, by which frames are told apart."""

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.frame import Image

THUMBNAIL = 8  # pixels a side
BINS = 16
STEEPEST = 255.0  # gradient of 8-bit luma, by Sobel; steeper ones count as this


def frame_descriptor(image: Image) -> npt.NDArray[np.float32]:
    """Thumbnail, brightness histogram and gradient histogram, of equal weight.

    Args:
        image: `(H, W, 3) uint8 BGR`.

    Returns:
        `(224,)`. Its Euclidean distance is 0 for twins; for frames of one clip that are worth
        keeping both it is 0.1 and more.
    """
    thumbnail = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    steep = cv2.magnitude(*(cv2.Sobel(luma, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0)))
    parts = (
        thumbnail.astype(np.float32).ravel() / 255 / THUMBNAIL,
        np.sqrt(_shares(luma)),  # Hellinger distance of two histograms
        np.sqrt(_shares(np.minimum(steep, STEEPEST))),
    )
    return np.concatenate(parts)


def _shares(values: cv2.typing.MatLike) -> npt.NDArray[np.float32]:
    counts = cv2.calcHist([values], [0], None, [BINS], [0, 256])
    return np.asarray(counts.ravel() / values.size, np.float32)
