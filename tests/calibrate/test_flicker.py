"""Flicker is told of a scene at rest, the same each time."""

import numpy as np

from hsi.calibrate.flicker import SENSOR_NOISE, change_at_rest, noisy_frames
from hsi.runtime.frame import Image


def test_frames_at_rest_differ_by_noise_alone(photo: Image) -> None:
    frames = noisy_frames(photo, 3)

    assert np.abs(np.mean(frames) - photo.mean()) < 0.5
    # Two draws of a normal distribution differ by 2 / sqrt(pi) deviations in the mean.
    grey = noisy_frames(np.full((64, 64, 3), 128, np.uint8), 3)
    assert abs(change_at_rest(grey) - 2 / np.pi**0.5 * SENSOR_NOISE) < 0.1


def test_the_noise_is_the_same_each_time(photo: Image) -> None:
    assert np.array_equal(noisy_frames(photo, 2), noisy_frames(photo, 2))


def test_pictures_that_are_equal_do_not_flicker(photo: Image) -> None:
    assert change_at_rest([photo, photo, photo]) == 0
