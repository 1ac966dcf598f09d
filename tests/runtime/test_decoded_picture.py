"""Tests of decoded pictures as pixels."""

import av
import numpy as np
import pytest

from hsi.runtime.decoded_picture import image_from


def decoded(width: int, height: int) -> av.VideoFrame:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return av.VideoFrame.from_ndarray(pixels, "bgr24").reformat(format="yuv444p")


@pytest.mark.parametrize("size", [(64, 48), (70, 46), (33, 17)])  # rows with and without gaps
def test_pixels_are_those_that_pyav_copies(size: tuple[int, int]) -> None:
    picture = decoded(*size)

    image = image_from(picture)

    assert image.flags.c_contiguous
    assert np.array_equal(image, picture.to_ndarray(format="bgr24"))


def test_pixels_outlive_the_picture() -> None:
    picture = decoded(64, 48)
    expected = picture.to_ndarray(format="bgr24")
    image = image_from(picture)

    del picture
    others = [decoded(64, 48).reformat(format="bgr24") for _ in range(20)]

    assert others
    assert np.array_equal(image, expected)


def test_a_picture_of_hd_height_without_a_tag_is_bt_709() -> None:
    picture = decoded(64, 720)

    expected = picture.to_ndarray(format="bgr24", src_colorspace="ITU709")

    assert np.array_equal(image_from(picture), expected)
