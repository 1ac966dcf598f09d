"""Likeness and banding say what they are called."""

import numpy as np
import pytest

from hsi.calibrate.measures import SAME, banding, likeness, psnr_of, ramp
from hsi.runtime.errors import FrameError
from hsi.runtime.frame import Image


def test_equal_pictures_are_as_like_as_can_be(pictures: list[Image]) -> None:
    found = likeness(pictures[0], pictures[0])

    assert (found.psnr, found.ssim, found.worst_tile_psnr) == (SAME, 1.0, SAME)


def test_one_level_off_everywhere_is_48_decibels(pictures: list[Image]) -> None:
    base = np.minimum(pictures[0], 254)

    assert likeness(base + 1, base).psnr == pytest.approx(48.13, abs=0.01)


def test_the_worst_tile_tells_what_the_mean_hides(pictures: list[Image]) -> None:
    spoilt = pictures[0].copy()
    spoilt[64:, 64:] ^= 128

    found = likeness(spoilt, pictures[0])

    assert found.worst_tile_psnr == pytest.approx(psnr_of(128.0**2), abs=0.01)
    assert found.psnr > found.worst_tile_psnr + 5


def test_structure_lost_lowers_ssim(pictures: list[Image]) -> None:
    upside_down = np.ascontiguousarray(pictures[0][::-1])

    assert likeness(upside_down, pictures[0]).ssim < 0.9


def test_pictures_of_two_sizes_are_refused(pictures: list[Image]) -> None:
    with pytest.raises(FrameError, match="expected one size"):
        likeness(pictures[0][:50], pictures[0])


def test_a_ramp_in_few_levels_is_banded() -> None:
    smooth = ramp()
    coarse = (smooth // 32) * 32

    found = banding(coarse, smooth)

    assert (found.levels, found.reference_levels) == (8, 256)
    assert found.longest_run >= 60 > 4 >= found.reference_run
