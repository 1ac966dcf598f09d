"""What a camera's bytes mean, and how OpenCV makes BGR of them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Image


@dataclass(frozen=True, kw_only=True)
class PixelFormat:
    """One format of the GenICam Pixel Format Naming Convention (PFNC), not packed."""

    name: str  # as cameras say it
    code: int  # as buffers carry it
    channels: int  # values a pixel
    bits: int  # of a value that carry light; over 8 they lie in 2 bytes, little-endian
    to_bgr: int | None  # OpenCV's conversion code; None: it is BGR

    def image_from(self, data: npt.NDArray[np.uint8], size: tuple[int, int]) -> Image:
        """Return the picture; values of more than 8 bits are scaled to 8.

        Args:
            data: `(N,)` uint8, the bytes of at least one picture, row by row without padding. Read,
                not kept.
            size: `(width, height)` in pixels, both even for Bayer and YUV formats.

        Raises:
            SourceError: There are too few bytes.
        """
        width, height = size
        values = data if self.bits == 8 else data[: len(data) // 2 * 2].view("<u2")
        count = width * height * self.channels
        if len(values) < count:
            raise SourceError(
                f"a picture of {width}x{height} {self.name} has {count} values, found "
                f"{len(values)}: set another pixel format in the camera"
            )
        shape = (height, width, self.channels) if self.channels > 1 else (height, width)
        pixels = values[:count].reshape(shape)
        if self.bits > 8:
            pixels = cv2.convertScaleAbs(pixels, alpha=0.5 ** (self.bits - 8))
        if self.to_bgr is None:
            return np.array(pixels, np.uint8)
        return np.asarray(cv2.cvtColor(pixels, self.to_bgr), np.uint8)


def _formats() -> list[PixelFormat]:
    grey = [(8, 0x01080001), (10, 0x01100003), (12, 0x01100005), (14, 0x01100025), (16, 0x01100007)]
    found = [
        PixelFormat(name=f"Mono{bits}", code=code, channels=1, bits=bits, to_bgr=cv2.COLOR_GRAY2BGR)
        for bits, code in grey
    ]
    # OpenCV's short names go by the second row: its BayerRG is what cameras call BayerBG.
    patterns = {
        "GR": cv2.COLOR_BayerGRBG2BGR,
        "RG": cv2.COLOR_BayerRGGB2BGR,
        "GB": cv2.COLOR_BayerGBRG2BGR,
        "BG": cv2.COLOR_BayerBGGR2BGR,
    }
    firsts = [(8, 0x01080008), (10, 0x0110000C), (12, 0x01100010), (16, 0x0110002E)]
    for bits, first in firsts:
        for number, (letters, to_bgr) in enumerate(patterns.items()):
            name = f"Bayer{letters}{bits}"
            found.append(
                PixelFormat(name=name, code=first + number, channels=1, bits=bits, to_bgr=to_bgr)
            )
    others: list[tuple[str, int, int, int | None]] = [
        ("RGB8", 0x02180014, 3, cv2.COLOR_RGB2BGR),
        ("BGR8", 0x02180015, 3, None),
        ("RGBa8", 0x02200016, 4, cv2.COLOR_RGBA2BGR),
        ("BGRa8", 0x02200017, 4, cv2.COLOR_BGRA2BGR),
        ("YUV422_8_UYVY", 0x0210001F, 2, cv2.COLOR_YUV2BGR_UYVY),
        ("YUV422_8", 0x02100032, 2, cv2.COLOR_YUV2BGR_YUYV),
    ]
    for name, code, channels, conversion in others:
        one = PixelFormat(name=name, code=code, channels=channels, bits=8, to_bgr=conversion)
        found.append(one)
    return found


FORMATS = {one.name: one for one in _formats()}
"""By the name that cameras say."""

_BY_CODE = {one.code: one for one in FORMATS.values()}


def format_of(code: int) -> PixelFormat:
    """Return the format with a code of the PFNC.

    Raises:
        SourceError: Pictures of this format cannot be converted.
    """
    if code not in _BY_CODE:
        raise SourceError(unknown_format(f"{code:#010x}"))
    return _BY_CODE[code]


def format_named(name: str) -> PixelFormat:
    """Return the format with a name of the PFNC.

    Raises:
        SourceError: Pictures of this format cannot be converted.
    """
    if name not in FORMATS:
        raise SourceError(unknown_format(name))
    return FORMATS[name]


def unknown_format(found: str) -> str:
    """Return what to say of a format that cannot be converted."""
    return (
        f"pixel format {found} cannot be converted, expected one of {', '.join(FORMATS)}: choose "
        "one that the camera has with ?format=…"
    )
