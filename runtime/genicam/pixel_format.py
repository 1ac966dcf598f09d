"""What a camera's bytes mean, and how OpenCV makes BGR of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Image

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PixelFormat:
    """One format of the GenICam Pixel Format Naming Convention, not packed."""

    name: str  # as cameras say it
    channels: int = 1  # values a pixel
    bits: int = 8  # of a value that carry light; over 8 they lie in 2 bytes, little-endian
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
    # OpenCV's short names go by the second row: its BayerRG is what cameras call BayerBG.
    patterns = {
        "GR": cv2.COLOR_BayerGRBG2BGR,
        "RG": cv2.COLOR_BayerRGGB2BGR,
        "GB": cv2.COLOR_BayerGBRG2BGR,
        "BG": cv2.COLOR_BayerBGGR2BGR,
    }
    return [
        *(
            PixelFormat(name=f"Mono{bits}", bits=bits, to_bgr=cv2.COLOR_GRAY2BGR)
            for bits in (8, 10, 12, 14, 16)
        ),
        *(
            PixelFormat(name=f"Bayer{letters}{bits}", bits=bits, to_bgr=to_bgr)
            for bits in (8, 10, 12, 16)
            for letters, to_bgr in patterns.items()
        ),
        PixelFormat(name="RGB8", channels=3, to_bgr=cv2.COLOR_RGB2BGR),
        PixelFormat(name="BGR8", channels=3, to_bgr=None),
        PixelFormat(name="RGBa8", channels=4, to_bgr=cv2.COLOR_RGBA2BGR),
        PixelFormat(name="BGRa8", channels=4, to_bgr=cv2.COLOR_BGRA2BGR),
        PixelFormat(name="YUV422_8", channels=2, to_bgr=cv2.COLOR_YUV2BGR_YUYV),
        PixelFormat(name="YUV422_8_UYVY", channels=2, to_bgr=cv2.COLOR_YUV2BGR_UYVY),
    ]


FORMATS = {one.name: one for one in _formats()}
"""By name."""


def chosen_format(
    camera: str, wanted: str | None, *, given: str, available: Sequence[str]
) -> PixelFormat:
    """Return the format to take from a camera, and log that it is converted.

    Args:
        camera: Its address, for the log and for messages.
        wanted: What its user asks for; None: as the camera is set.
        given: How the camera is set.
        available: The names of all formats that it has.

    Raises:
        OptionError: The camera has no such format, or it cannot be converted.
        SourceError: The format that the camera is set to cannot be converted.
    """
    usable = [name for name in available if name in FORMATS]
    if wanted is not None and wanted not in usable:
        raise OptionError(
            f"{camera}: format must be one that the camera has and OpenCV converts, "
            f"{', '.join(usable) or 'of which there is none'}, got {wanted!r}"
        )
    name = wanted or given
    if name not in FORMATS:
        raise SourceError(
            f"the camera is set to pixel format {name}, which is not converted: choose one with "
            f"?format=…, it has {', '.join(usable) or 'none that is'}"
        )
    if FORMATS[name].to_bgr is not None:
        logger.info("%s: OpenCV converts %s to 8-bit BGR", camera, name)
    return FORMATS[name]
