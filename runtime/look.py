"""How a stylised frame is made from a frame, besides the style itself."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image
from hsi.runtime.region import Mask, Protected, Region

FULL_SIDE = 1080
"""Pixels of the short side that the network sees at style scale 1."""

MAX_STYLE_SCALE = 16.0  # beyond, the network would see fewer pixels than it takes

_BAND = 128  # rows of a frame whose detail is held at a time


@dataclass(frozen=True, kw_only=True)
class Look:
    """The look controls. ``docs/controls.md`` says in which order they work."""

    keep_colour: bool = False  # take only the luma of the stylised picture
    protect: tuple[Protected, ...] = ()  # these pixels of the frame stay, to the bit
    style_scale: float | None = 1.0  # size of the strokes; None: the frame's own pixels

    def __post_init__(self) -> None:
        if not isinstance(self.keep_colour, bool):
            raise OptionError(
                f"keep_colour: expected True or False, found {self.keep_colour!r}: give one"
            )
        # Tuples only: a list could change under a running stream.
        known = isinstance(self.protect, tuple)
        if not known or not all(isinstance(one, (Region, Mask)) for one in self.protect):
            raise OptionError(
                f"protect: expected a tuple of Region and Mask, found {self.protect!r}: see "
                "hsi.runtime.Region"
            )
        if self.style_scale is not None:
            _check_scale(self.style_scale)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: a rectangle as it is written, a mask by its name."""
        protect = [str(one) if isinstance(one, Region) else one.name for one in self.protect]
        return {
            "keep_colour": self.keep_colour,
            "protect": protect,
            "style_scale": self.style_scale,
        }

    def working_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """What the network shall see of a frame of ``size``; both (width, height) in pixels."""
        if self.style_scale is None:
            return size
        shrink = min(size) * self.style_scale / FULL_SIDE
        if shrink <= 1:
            return size
        return round(size[0] / shrink), round(size[1] / shrink)


def keep_colour(frame: Image, out: Image) -> None:
    """Give ``out`` the colour of the frame and leave its luma. Both `(H, W, 3) uint8 BGR`.

    Luma and colour are those of Y'CrCb. Where both together lie outside of BGR, as a white stroke
    on saturated red, the colour gives way.
    """
    colour = cv2.cvtColor(frame, cv2.COLOR_BGR2YCrCb)
    luma = cv2.cvtColor(out, cv2.COLOR_BGR2GRAY)  # the same Y'
    cv2.insertChannel(luma, colour, 0)
    cv2.cvtColor(colour, cv2.COLOR_YCrCb2BGR, dst=out)


def enlarge(working: Image, stylised: Image, frame: Image, strength: float, out: Image) -> None:
    """Bring a stylised small frame to the frame's size, with the frame's own fine detail.

    Args:
        working: `(h, w, 3) uint8 BGR`, the frame as the network saw it.
        stylised: `(h, w, 3) uint8 BGR`, what the network made of it.
        frame: `(H, W, 3) uint8 BGR`.
        strength: In [0, 1], as the network had it: what is left of the frame's own colour keeps
            its detail in colour too, so 0 is the frame itself, to the bit.
        out: `(H, W, 3) uint8 BGR`, written.
    """
    size = (frame.shape[1], frame.shape[0])
    cv2.resize(stylised, size, dst=out, interpolation=cv2.INTER_CUBIC)
    luma = _up(cv2.cvtColor(working, cv2.COLOR_BGR2GRAY), size)
    coloured = luma if strength == 1 else _up(working, size)
    for first in range(0, frame.shape[0], _BAND):
        rows = slice(first, first + _BAND)
        detail = _detail(luma[rows], coloured[rows], frame[rows], strength)
        cv2.add(out[rows], detail, dst=out[rows], dtype=cv2.CV_8U)


def _detail(
    luma: cv2.typing.MatLike, coloured: cv2.typing.MatLike, frame: Image, strength: float
) -> cv2.typing.MatLike:
    """What shrinking took of some rows, `(h, W, 3) int16`: of the luma, for the style's share.

    ``luma`` and ``coloured`` are those rows of the small frame, enlarged.
    """
    lost = cv2.subtract(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), luma, dtype=cv2.CV_16S)
    grey = cv2.merge([lost, lost, lost])
    if strength == 1:
        return grey
    own = cv2.subtract(frame, coloured, dtype=cv2.CV_16S)
    return cv2.addWeighted(grey, strength, own, 1 - strength, 0)


def _up(small: cv2.typing.MatLike, size: tuple[int, int]) -> cv2.typing.MatLike:
    return cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)


def shrunk(frame: Image, size: tuple[int, int]) -> Image:
    """The frame at ``size`` (width, height); itself where it has that size."""
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _check_scale(scale: float) -> None:
    number = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
    if not number or not 0 < scale <= MAX_STYLE_SCALE:
        raise OptionError(
            f"style_scale: expected a number above 0, up to {MAX_STYLE_SCALE:g}, found {scale!r}: "
            "1 is the usual size, 2 twice as large; None for the frame's own pixels"
        )
