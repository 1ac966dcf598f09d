from __future__ import annotations

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from hsi.runtime.picture import picture_from_bytes


def _encoded(picture: Any, suffix: str = ".png") -> bytes:
    good, data = cv2.imencode(suffix, picture)
    assert good
    return data.tobytes()


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (np.full((4, 6, 3), (10, 20, 30), np.uint8), (10, 20, 30)),
        (np.full((4, 6), 77, np.uint8), (77, 77, 77)),
        (np.full((4, 6, 4), (10, 20, 30, 0), np.uint8), (10, 20, 30)),
        (np.full((4, 6, 3), 0x8000, np.uint16), (128, 128, 128)),
        (np.full((4, 6), 0xFFFF, np.uint16), (255, 255, 255)),
    ],
    ids=["colour", "grey", "alpha", "16 bits", "16 bits grey"],
)
def test_every_kind_of_png_becomes_bgr(picture: Any, expected: tuple[int, ...]) -> None:
    image = picture_from_bytes(_encoded(picture))
    assert image is not None
    assert image.dtype == np.uint8
    assert image.shape == (4, 6, 3)
    assert image[0, 0].tolist() == list(expected)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_none(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert picture_from_bytes(data) is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_cut_short_is_none(
    photo: Any, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = _encoded(photo[:128, :128], suffix)
    assert picture_from_bytes(data) is not None
    assert picture_from_bytes(data[: len(data) // 2]) is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("place", [30, 500, 5000, -40])
def test_a_png_with_a_changed_byte_is_none(
    photo: Any, place: int, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(_encoded(photo[:128, :128]))
    data[place] ^= 1
    assert picture_from_bytes(bytes(data)) is None
    assert capfd.readouterr() == ("", "")


def test_a_png_with_a_note_in_it_is_a_picture(photo: Any) -> None:
    data = _encoded(photo[:128, :128])
    note = b"\0\0\0\x03tEXtabc"  # and a checksum that is wrong: nobody needs the note
    image = picture_from_bytes(data[:33] + note + bytes(4) + data[33:])
    assert image is not None
    assert np.array_equal(image, photo[:128, :128])


def test_opencv_can_be_silenced() -> None:
    code = (
        "from hsi.runtime.picture import picture_from_bytes, silence_opencv\n"
        "silence_opencv()\n"
        "print(picture_from_bytes(b'BM' + bytes(60)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_a_picture_beyond_the_limit_of_opencv_is_none() -> None:
    data = bytearray(_encoded(np.zeros((1, 1, 3), np.uint8), ".bmp"))
    data[18:26] = (1 << 30).to_bytes(4, "little") * 2  # width and height
    assert picture_from_bytes(bytes(data)) is None
