from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image
from hsi.runtime.region import Mask, Region, keep_protected, protected_from_text


def _pair() -> tuple[Image, Image]:
    random = np.random.default_rng(0)
    frame, out = (random.integers(0, 256, (90, 130, 3)).astype(np.uint8) for _ in range(2))
    return frame, out


def test_a_protected_region_is_the_frame_to_the_bit_and_the_rest_is_not_touched() -> None:
    frame, out = _pair()
    before = out.copy()
    keep_protected(frame, out, (Region(x=10, y=20, width=30, height=40),))
    assert np.array_equal(out[20:60, 10:40], frame[20:60, 10:40])
    out[20:60, 10:40] = before[20:60, 10:40]
    assert np.array_equal(out, before)


def test_percent_is_of_the_frame_and_covers_every_pixel_it_touches() -> None:
    region = Region(x=10, y=50, width=70, height=50, percent=True)
    assert region.box((90, 45)) == (slice(22, 45), slice(9, 72))
    assert region.box((3840, 2160)) == (slice(1080, 2160), slice(384, 3072))


def test_regions_and_masks_work_together() -> None:
    frame, out = _pair()
    mask = np.zeros((90, 130), np.uint8)
    mask[:5] = 255
    keep_protected(frame, out, (Mask(values=mask), Region(x=0, y=85, width=130, height=5)))
    assert np.array_equal(out[:5], frame[:5])
    assert np.array_equal(out[85:], frame[85:])
    assert not np.array_equal(out[5:85], frame[5:85])


def test_a_mask_of_another_size_is_resized_by_nearest() -> None:
    frame, out = _pair()
    before = out.copy()
    keep_protected(frame, out, (Mask(values=np.array([[255, 0]], np.uint8)),))
    assert np.array_equal(out[:, :65], frame[:, :65])
    assert np.array_equal(out[:, 65:], before[:, 65:])


def test_a_mask_is_a_copy_of_black_and_white() -> None:
    values = np.array([[0, 127, 128, 255]], np.uint8)
    mask = Mask(values=values)
    values[:] = 0
    assert mask.values.tolist() == [[0, 0, 255, 255]]


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("10,20,30,40", Region(x=10, y=20, width=30, height=40)),
        (" 0, 0, 1, 1 ", Region(x=0, y=0, width=1, height=1)),
        ("10%,10%,30%,20.5%", Region(x=10, y=10, width=30, height=20.5, percent=True)),
    ],
)
def test_regions_from_text(text: str, region: Region) -> None:
    assert protected_from_text(text) == region


def test_a_mask_from_a_file(tmp_path: Path) -> None:
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[:, 3:] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), picture)
    mask = protected_from_text(str(tmp_path / "mask.png"))
    assert isinstance(mask, Mask)
    assert np.array_equal(mask.values, picture[..., 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-1,0,5,5", "protect: expected X and Y from 0, W and H more than 0, found -1,0,5,5"),
        ("0,0,0,5", "protect: expected X and Y from 0, W and H more than 0, found 0,0,0,5"),
        ("50%,0%,60%,5%", r"protect: expected a rectangle inside the frame, up to 100%, found 50%"),
        ("0.5,0,5,5", r"protect: expected whole pixels, found 0\.5,0,5,5"),
        ("10%,0,5,5", "found '10%,0,5,5': do not mix pixels and percent"),
        ("1,2,3", "protect: expected X,Y,W,H in pixels, .*, found '1,2,3' that cannot be read"),
        ("gone.png", r"found 'gone\.png' that cannot be read: No such file or directory: check"),
        ("", r"protect: expected X,Y,W,H in pixels, .*, found '\.' that cannot be read: Is a dir"),
        ("nan,0,5,5", "protect: expected X,Y,W,H in pixels, .*, found 'nan,0,5,5' that cannot"),
        ("a\0b", r"protect: expected X,Y,W,H in pixels, .* that cannot be read: .*null byte"),
    ],
)
def test_a_part_that_is_none(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        protected_from_text(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"dear diary"])
def test_a_mask_file_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(content)
    match = rf"found '.*mask\.png' of {len(content)} bytes that is no readable picture: save it"
    with pytest.raises(OptionError, match=match):
        protected_from_text(str(path))


@pytest.mark.parametrize("box", [(100, 0, 31, 5), (0, 80, 5, 11)])
def test_a_region_outside_the_frame(box: tuple[int, int, int, int]) -> None:
    x, y, width, height = box
    region = Region(x=x, y=y, width=width, height=height)
    match = "protect: expected a rectangle inside the frame of 130x90, found "
    with pytest.raises(OptionError, match=match):
        region.box((130, 90))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_region_of_no_numbers(bad: float) -> None:
    with pytest.raises(OptionError, match="protect: expected four finite numbers, found 0,"):
        Region(x=0, y=bad, width=1, height=1)


@pytest.mark.parametrize("values", [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), None])
def test_a_mask_that_is_none(values: Any) -> None:
    with pytest.raises(OptionError, match=r"protect: expected a mask \(H, W\) of uint8, found"):
        Mask(values=values)
