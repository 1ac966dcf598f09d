"""Which frames to calibrate on: the most different ones, not the most frequent."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hsi.runtime.frame import Image
from hsi.runtime.frame_descriptor import frame_descriptor

Vectors = npt.NDArray[np.float32]

SAMPLER = "farthest point over 8x8 thumbnails, brightness and gradient histograms"


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
    return np.stack([frame_descriptor(image) for image in images])
