from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image
from hsi.runtime.look import Look, enlarge, keep_colour, shrunk


def _muted(seed: int, size: tuple[int, int] = (90, 130)) -> Image:
    """Colours which every luma of the other picture can have."""
    random = np.random.default_rng(seed)
    grey = random.integers(60, 190, (*size, 1))
    return (grey + random.integers(-25, 25, (*size, 3))).astype(np.uint8)


def test_keep_colour_keeps_cr_and_cb_of_the_frame_and_the_luma_of_the_style() -> None:
    frame, stylised = _muted(0), _muted(1)
    out = stylised.copy()
    keep_colour(frame, out)
    y, cr, cb = cv2.split(cv2.cvtColor(out, cv2.COLOR_BGR2YCrCb).astype(int))
    _, wanted_cr, wanted_cb = cv2.split(cv2.cvtColor(frame, cv2.COLOR_BGR2YCrCb).astype(int))
    wanted_y = cv2.cvtColor(stylised, cv2.COLOR_BGR2GRAY).astype(int)
    for found, wanted in ((y, wanted_y), (cr, wanted_cr), (cb, wanted_cb)):
        assert np.abs(found - wanted).max() <= 1


@pytest.mark.parametrize(
    ("scale", "size", "working"),
    [
        (1, (1920, 1080), (1920, 1080)),
        (1, (3840, 2160), (1920, 1080)),
        (1, (2160, 3840), (1080, 1920)),
        (2, (3840, 2160), (960, 540)),
        (2, (1920, 1080), (960, 540)),
        (2, (640, 480), (640, 480)),
        (0.5, (3840, 2160), (3840, 2160)),
        (16, (8192, 64), (8192, 64)),
        (16, (8192, 4320), (128, 68)),
        (None, (8192, 4320), (8192, 4320)),
    ],
)
def test_the_working_size(scale: Any, size: tuple[int, int], working: tuple[int, int]) -> None:
    assert Look(style_scale=scale).working_size(size) == working


def test_a_frame_of_the_working_size_is_not_copied() -> None:
    frame = _muted(0)
    assert shrunk(frame, (130, 90)) is frame


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_a_network_that_changes_nothing_gives_the_frame_its_luma_back(strength: float) -> None:
    frame = _muted(0)
    working, out = shrunk(frame, (65, 45)), np.empty_like(frame)
    enlarge(working, working, frame, strength, out)
    found, wanted = (cv2.cvtColor(one, cv2.COLOR_BGR2GRAY).astype(int) for one in (out, frame))
    assert np.abs(found - wanted).max() <= 2
    assert np.array_equal(out, frame) == (strength == 0)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), 17, "1", True])
def test_a_style_scale_that_is_none(scale: Any) -> None:
    with pytest.raises(OptionError, match="style_scale: expected a number above 0, up to 16, fo"):
        Look(style_scale=scale)


@pytest.mark.parametrize("protect", [["mask.png"], ("1,2,3,4",), None])
def test_protect_takes_regions_and_masks_alone(protect: Any) -> None:
    with pytest.raises(OptionError, match="protect: expected a tuple of Region and Mask, found"):
        Look(protect=protect)


def test_keep_colour_is_yes_or_no() -> None:
    with pytest.raises(OptionError, match="keep_colour: expected True or False, found 'yes'"):
        Look(keep_colour="yes")  # type: ignore[arg-type]
