"""Descriptors tell frames apart."""

import numpy as np

from hsi.runtime.frame import Image
from hsi.runtime.frame_descriptor import frame_descriptor


def test_brightness_colour_and_texture_are_told_apart() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    red = grey.copy()
    red[..., 2] = 255
    noise = np.random.default_rng(0).integers(64, 192, (64, 64, 3), np.uint8)

    for other in (grey + 100, red, noise):
        assert np.linalg.norm(frame_descriptor(grey) - frame_descriptor(other)) > 0.1


def test_twins_have_one_descriptor(photo: Image) -> None:
    assert np.array_equal(frame_descriptor(photo), frame_descriptor(photo.copy()))
    assert frame_descriptor(photo).shape == (224,)


def test_every_pixel_counts_in_both_histograms() -> None:
    steepest = np.zeros((64, 64, 3), np.uint8)
    steepest[:, ::4] = 255

    brightness, gradient = np.split(frame_descriptor(steepest)[192:] ** 2, 2)

    assert brightness.sum() == gradient.sum() == 1
