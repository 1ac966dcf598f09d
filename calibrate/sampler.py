"""Which frames to calibrate on: the most different ones, not the most frequent."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.frame import Image

Vectors = npt.NDArray[np.float32]

SAMPLER = "farthest point over 8x8 thumbnails, brightness and gradient histograms"
THUMBNAIL = 8  # pixels a side
BINS = 16
GRADIENT_LIMIT = 256.0  # of 8-bit luma, by Sobel; steeper ones count as this


def farthest_points(descriptors: Vectors, count: int) -> list[int]:
    """Indices of frames that lie far apart (Gonzalez, 1985: at most twice the best radius).

    Args:
        descriptors: `(N, D)`, one row per frame.
        count: How many; all of them where there are fewer.

    Returns:
        Indices in the order taken: the most ordinary frame, then each time the one farthest from
        all taken. Ties go to the earliest, so the same frames give the same choice.
    """
    if not len(descriptors):
        return []
    first = int(np.linalg.norm(descriptors - descriptors.mean(0), axis=1).argmin())
    taken = [first]
    nearest = np.linalg.norm(descriptors - descriptors[first], axis=1)
    while len(taken) < min(count, len(descriptors)):
        nearest[taken[-1]] = -1.0  # twins of a taken frame come last, itself never
        taken.append(int(nearest.argmax()))
        apart = np.linalg.norm(descriptors - descriptors[taken[-1]], axis=1)
        nearest = np.minimum(nearest, apart)
    return taken


def descriptors_of(images: Sequence[Image]) -> Vectors:
    """One row per picture: thumbnail, brightness histogram, gradient histogram, of equal weight."""
    return np.stack([_descriptor(image) for image in images])


def _descriptor(image: Image) -> Vectors:
    thumbnail = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    steep = cv2.magnitude(*(cv2.Sobel(luma, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0)))
    brightness, _ = np.histogram(luma, BINS, (0, 256))
    gradient, _ = np.histogram(np.minimum(steep, GRADIENT_LIMIT), BINS, (0, GRADIENT_LIMIT))
    parts = (
        thumbnail.astype(np.float32).ravel() / 255 / THUMBNAIL,
        np.sqrt(brightness / luma.size),  # Hellinger distance of two histograms
        np.sqrt(gradient / luma.size),
    )
    return np.concatenate(parts).astype(np.float32)
