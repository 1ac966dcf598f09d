"""Tests of style pictures from strangers."""

import io
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image as Pillow

from hsi.runtime.control.upload import picture_from_upload
from hsi.runtime.errors import SourceError


def file_of(kind: str, size: tuple[int, int] = (300, 200), **options: object) -> bytes:
    target = io.BytesIO()
    Pillow.new("RGB", size, (200, 100, 50)).save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_decoded(kind: str) -> None:
    picture = picture_from_upload(file_of(kind))

    assert picture.shape == (200, 300, 3)
    assert np.abs(picture.mean(axis=(0, 1)) - (50, 100, 200)).max() < 3


def test_a_large_picture_is_made_small() -> None:
    assert max(picture_from_upload(file_of("JPEG", (4000, 3000))).shape) == 1024


def test_a_turned_photograph_stands_upright() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turned by a quarter

    assert picture_from_upload(file_of("JPEG", exif=exif)).shape == (300, 200, 3)


def test_a_bomb_is_refused_before_it_takes_memory(bomb: Callable[..., bytes]) -> None:
    tracemalloc.start()
    with pytest.raises(SourceError, match=r"at most 50 megapixels.*found 9000x9000"):
        picture_from_upload(bomb(9000, 9000))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 2_000_000


@pytest.mark.parametrize("side", [10_000, 50_000, 2**31 - 1])
def test_a_greater_bomb_is_refused(bomb: Callable[..., bytes], side: int) -> None:
    with pytest.raises(SourceError, match=r"at most 50 megapixels|damaged"):
        picture_from_upload(bomb(side, side))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#!/bin/sh\nrm -rf /\n",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<html><script>alert(1)</script></html>",
        file_of("GIF"),
        file_of("PNG")[:200],
        b"\x89PNG\r\n\x1a\n" + bytes(100),
    ],
    ids=["nothing", "script", "svg", "html", "gif", "cut short", "no header"],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"expected JPEG, PNG or WebP, found \d+ bytes"):
        picture_from_upload(data)
