from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi.runtime.errors import SourceError
from hsi.runtime.style_picture import sized_style, style_from_bytes


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((512, 512), (512, 512)),
        ((300, 400), (300, 400)),
        ((2048, 1024), (1024, 512)),
        ((1, 1), (64, 64)),
        ((32, 48), (64, 96)),
        ((5000, 600), (2048, 512)),
        ((1, 10_000), (64, 256)),
        ((64, 10_000), (64, 256)),
        ((10_000, 600), (2048, 512)),
    ],
)
def test_the_size_a_style_is_encoded_at(size: tuple[int, int], expected: tuple[int, int]) -> None:
    width, height = size
    sized = sized_style(np.full((height, width, 3), 9, np.uint8), 512)
    assert (sized.shape[1], sized.shape[0]) == expected
    assert sized.dtype == np.uint8
    assert (sized == 9).all()
    assert sized.flags.c_contiguous


def test_a_picture_that_fits_is_not_copied() -> None:
    picture = np.zeros((100, 120, 3), np.uint8)
    assert sized_style(picture, 512) is picture


def test_a_style_that_is_no_picture_is_named_by_its_path() -> None:
    match = r"style art/a\.jpg: expected a picture \(JPEG, PNG, ...\), found 5 bytes that are none"
    with pytest.raises(SourceError, match=match):
        style_from_bytes(b"hello", Path("art/a.jpg"))
