"""Parts of a frame that stay as they are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image
from hsi.runtime.picture import picture_from_bytes

_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+))(%?)"
_FOUR = re.compile(r"\s*,\s*".join([_NUMBER] * 4))
_EXPECTED = "expected X,Y,W,H in pixels, in percent such as 10%,10%,30%,20%, or a mask picture"


@dataclass(frozen=True, kw_only=True)
class Region:
    """A rectangle that lies inside the frame."""

    x: float  # of the left side, from 0; pixels, or percent of the frame's width
    y: float  # of the upper side, from 0; pixels, or percent of the frame's height
    width: float  # more than 0; pixels or percent
    height: float  # more than 0; pixels or percent
    percent: bool = False  # in percent, widened to whole pixels

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height)
        if not all(math.isfinite(value) for value in values):
            self._refuse("four finite numbers")
        if min(self.x, self.y) < 0 or min(self.width, self.height) <= 0:
            self._refuse("X and Y from 0, W and H more than 0")
        if self.percent and max(self.x + self.width, self.y + self.height) > 100:
            self._refuse("a rectangle inside the frame, up to 100%")
        if not self.percent and any(value != int(value) for value in values):
            self._refuse("whole pixels")

    def __str__(self) -> str:
        unit = "%" if self.percent else ""
        values = (self.x, self.y, self.width, self.height)
        return ",".join(f"{value:g}{unit}" for value in values)

    def box(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of a frame of ``size`` (width, height) in pixels.

        Raises:
            OptionError: The rectangle does not lie inside the frame.
        """
        share = (size[0] / 100, size[1] / 100) if self.percent else (1.0, 1.0)
        # Rounded first: 70 % of 90 pixels are 63.00000000000001.
        left, top = (
            math.floor(round(v * s, 6)) for v, s in zip((self.x, self.y), share, strict=True)
        )
        ends = (self.x + self.width, self.y + self.height)
        right, bottom = (math.ceil(round(v * s, 6)) for v, s in zip(ends, share, strict=True))
        if right > size[0] or bottom > size[1]:
            self._refuse(f"a rectangle inside the frame of {size[0]}x{size[1]}")
        return slice(top, bottom), slice(left, right)

    def _refuse(self, expected: str) -> None:
        raise OptionError(
            f"protect: expected {expected}, found {self}: give X,Y,W,H inside the frame"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask:
    """A picture that says which pixels stay: those of at least 128."""

    values: npt.NDArray[np.uint8]  # (H, W) uint8, white (255) is protected; read only, a copy
    name: str = "mask"

    def __post_init__(self) -> None:
        found = self.values
        good = isinstance(found, np.ndarray) and found.dtype == np.uint8 and found.ndim == 2
        if not good or not found.size:
            raise OptionError(
                f"protect: expected a mask (H, W) of uint8, found "
                f"{getattr(found, 'dtype', type(found).__name__)} of shape "
                f"{getattr(found, 'shape', 'none')}: convert it first"
            )
        values = np.where(found >= 128, np.uint8(255), np.uint8(0))
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    def sized(self, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """The mask for a frame of ``size`` (width, height), `(H, W)` of 0 and 255, by nearest."""
        if (self.values.shape[1], self.values.shape[0]) == size:
            return self.values
        sized = cv2.resize(self.values, size, interpolation=cv2.INTER_NEAREST_EXACT)
        return np.asarray(sized, np.uint8)


Protected: TypeAlias = Region | Mask


def protected_from_text(text: str) -> Protected:
    """The region of `X,Y,W,H` or `10%,10%,30%,20%`, or the mask of a picture file.

    Raises:
        OptionError: It is neither: a malformed region, or a file that is no picture.
    """
    found = _FOUR.fullmatch(text.strip())
    if found is None:
        return _mask_from_file(Path(text))
    units = set(found.groups()[1::2])
    if len(units) > 1:
        raise OptionError(f"protect: {_EXPECTED}, found {text!r}: do not mix pixels and percent")
    x, y, width, height = (float(number) for number in found.groups()[::2])
    return Region(x=x, y=y, width=width, height=height, percent=units == {"%"})


def keep_protected(frame: Image, out: Image, protected: tuple[Protected, ...]) -> None:
    """Write the protected pixels of the frame over ``out``. Both `(H, W, 3) uint8 BGR`.

    Raises:
        OptionError: A rectangle does not lie inside the frame.
    """
    size = (frame.shape[1], frame.shape[0])
    for one in protected:
        if isinstance(one, Region):
            box = one.box(size)
            out[box] = frame[box]
        else:
            cv2.copyTo(frame, one.sized(size), out)


def _mask_from_file(path: Path) -> Mask:
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(
            f"protect: {_EXPECTED}, found {str(path)!r} that cannot be read: {reason}: "
            "check the numbers or the path"
        ) from error
    picture = picture_from_bytes(data)
    if picture is None:
        raise OptionError(
            f"protect: {_EXPECTED}, found {str(path)!r} of {len(data)} bytes that is no readable "
            "picture: save it as PNG"
        )
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return Mask(values=np.asarray(grey, np.uint8), name=path.name)
