"""Flicker: how much pictures of a scene at rest change, whose only change is sensor noise."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from hsi.runtime.frame import Image

SENSOR_NOISE = 4.0  # grey levels, standard deviation


@dataclass(frozen=True, kw_only=True)
class Flicker:
    """Mean change from one stylised frame of a scene at rest to the next, in grey levels."""

    change: float
    reference_change: float

    @property
    def added(self) -> float:
        """What the candidate adds to the reference's, in grey levels."""
        return self.change - self.reference_change


def noisy_frames(scene: Image, count: int) -> list[Image]:
    """A scene at rest as a sensor sees it: the same frames each time.

    Args:
        scene: `(H, W, 3) uint8`.
        count: How many.
    """
    random = np.random.default_rng(0)
    noisy = (scene + random.normal(0, SENSOR_NOISE, scene.shape) for _ in range(count))
    return [np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in noisy]


def change_at_rest(pictures: Sequence[Image]) -> float:
    """Mean absolute difference of consecutive pictures, in grey levels; two pictures at least."""
    pairs = itertools.pairwise(pictures)
    return float(np.mean([cv2.absdiff(before, after).mean() for before, after in pairs]))
