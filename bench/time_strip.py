"""A moment as black and white blocks along the top of a picture, to be read back later."""

import numpy as np

from hsi.runtime.frame import Image
from hsi.runtime.region import Region

_BITS, _SIDE = 40, 8  # microseconds of 12 days; blocks that survive a moderate compression

STRIP = Region(x=0, y=0, width=_BITS * _SIDE, height=_SIDE)
"""Where it lies: protect it, or the network draws it in its style."""


def draw_strip(image: Image, time_s: float) -> None:
    """Write a moment into a picture `(H, W, 3) uint8 BGR` of at least 320x8 pixels."""
    number = round(time_s * 1e6) % (1 << _BITS)
    bits = np.array([number >> bit & 1 for bit in range(_BITS)], np.uint8)
    image[:_SIDE, : _BITS * _SIDE] = (255 * bits).repeat(_SIDE)[None, :, None]


def read_strip(image: Image) -> float:
    """The moment in seconds, modulo 12 days."""
    strip = image[:_SIDE, : _BITS * _SIDE].mean((0, 2))
    bits = strip.reshape(_BITS, _SIDE).mean(1) > 127
    return sum(1 << bit for bit in range(_BITS) if bits[bit]) / 1e6
