from __future__ import annotations

import logging

import numpy as np
import pytest

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.genicam.pixel_format import FORMATS, chosen_format

SIZE = (16, 8)


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [("BayerRG8", 0, 0), ("BayerGR8", 0, 1), ("BayerGB8", 1, 0), ("BayerBG8", 1, 1)],
)
def test_the_first_letters_of_a_bayer_format_say_where_red_is(
    name: str, row: int, column: int
) -> None:
    mosaic = np.zeros((8, 16), np.uint8)
    mosaic[row::2, column::2] = 200
    image = FORMATS[name].image_from(mosaic.ravel(), SIZE)
    assert image.mean(axis=(0, 1)) == pytest.approx([0, 0, 200])


@pytest.mark.parametrize(("name", "bits"), [("Mono10", 10), ("Mono12", 12), ("Mono16", 16)])
def test_values_of_more_than_eight_bits_are_scaled(name: str, bits: int) -> None:
    half, full = 2 ** (bits - 1), 2**bits - 1
    values = np.array([[0, half, full, full]], "<u2")
    image = FORMATS[name].image_from(values.view(np.uint8).ravel(), (4, 1))
    assert image[0, :, 0].tolist() == [0, 128, 255, 255]
    assert image.shape == (1, 4, 3)


def test_twelve_bits_of_a_bayer_pattern_are_scaled_and_coloured() -> None:
    mosaic = np.zeros((8, 16), "<u2")
    mosaic[0::2, 0::2] = 4095
    image = FORMATS["BayerRG12"].image_from(mosaic.view(np.uint8).ravel(), SIZE)
    assert image.mean(axis=(0, 1)) == pytest.approx([0, 0, 255])


@pytest.mark.parametrize("name", ["RGB8", "BGR8", "RGBa8", "BGRa8"])
def test_colours_keep_their_places(name: str) -> None:
    pixel = {"R": 10, "G": 20, "B": 30, "a": 99}
    data = np.tile(np.array([pixel[letter] for letter in name[:-1]], np.uint8), 16 * 8)
    image = FORMATS[name].image_from(data, SIZE)
    assert image[3, 5].tolist() == [30, 20, 10]


def test_a_picture_owns_its_pixels() -> None:
    data = np.zeros(16 * 8 * 3, np.uint8)
    image = FORMATS["BGR8"].image_from(data, SIZE)
    data[:] = 255
    assert image.max() == 0
    assert image.flags.owndata


@pytest.mark.parametrize("name", ["YUV422_8", "YUV422_8_UYVY"])
def test_grey_of_a_video_format_is_grey(name: str) -> None:
    image = FORMATS[name].image_from(np.full(16 * 8 * 2, 128, np.uint8), SIZE)
    assert np.ptp(image.mean(axis=(0, 1))) < 2


def test_too_few_bytes_are_refused() -> None:
    with pytest.raises(SourceError, match=r"16x8 Mono16 has 128 values, found 64: set another"):
        FORMATS["Mono16"].image_from(np.zeros(128, np.uint8), SIZE)


def test_the_format_is_what_was_asked_for_or_what_the_camera_has() -> None:
    has = ["Mono8", "BGR8", "Mono12p"]
    assert chosen_format("cam", "Mono8", given="BGR8", available=has).name == "Mono8"
    assert chosen_format("cam", None, given="BGR8", available=has).name == "BGR8"


def test_a_conversion_is_logged_and_bgr_is_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    chosen_format("cam", None, given="BGR8", available=["BGR8"])
    assert not caplog.text
    chosen_format("cam", None, given="BayerRG12", available=["BayerRG12"])
    assert "cam: OpenCV converts BayerRG12 to 8-bit BGR" in caplog.text


def test_a_packed_format_is_refused_with_what_the_camera_has_instead() -> None:
    has = ["Mono8", "Mono12p"]
    with pytest.raises(SourceError, match=r"set to pixel format Mono12p, .*, it has Mono8$"):
        chosen_format("cam", None, given="Mono12p", available=has)
    with pytest.raises(OptionError, match=r"cam: format must be .*, Mono8, got 'Mono12p'"):
        chosen_format("cam", "Mono12p", given="Mono8", available=has)
