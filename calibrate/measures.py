"""How near a candidate's picture is to the reference's."""

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from hsi.runtime.errors import FrameError
from hsi.runtime.frame import Image

TILE = 64  # pixels a side
SAME = 99.0  # dB, for pictures that are equal: beyond what 8 bits can differ by
RAMP = (512, 128)  # width and height in pixels


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """One picture against its reference; both `(H, W, 3) uint8`."""

    psnr: float  # dB, over all values
    ssim: float  # of the lumas, at most 1
    worst_tile_psnr: float  # dB, the least of tiles of 64 pixels


@dataclass(frozen=True, kw_only=True)
class Banding:
    """What is left of a smooth ramp."""

    levels: int  # distinct colours of columns
    reference_levels: int
    longest_run: int  # columns in a row of one colour
    reference_run: int


def likeness(picture: Image, reference: Image) -> Likeness:
    """Compare two pictures.

    Raises:
        FrameError: They differ in size.
    """
    if picture.shape != reference.shape:
        raise FrameError(f"pictures: expected one size, found {picture.shape}, {reference.shape}")
    squares = np.square(picture.astype(np.float32) - reference).mean(2)
    rows, columns = (range(0, side, TILE) for side in squares.shape)
    tiles = [float(squares[y : y + TILE, x : x + TILE].mean()) for y in rows for x in columns]
    lumas = [cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in (picture, reference)]
    return Likeness(
        psnr=psnr_of(float(squares.mean())),
        ssim=float(structural_similarity(*lumas, data_range=255)),
        worst_tile_psnr=psnr_of(max(tiles)),
    )


def psnr_of(squared_error: float) -> float:
    """Decibels of a mean squared error of 8-bit values; ``SAME`` for next to none."""
    return min(SAME, 10 * float(np.log10(255**2 / max(squared_error, 1e-12))))


def ramp() -> Image:
    """A grey ramp from black to white, left to right, `(H, W, 3) uint8`."""
    width, height = RAMP
    row = np.linspace(0, 255, width).round().astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, 3)))


def banding(picture: Image, reference: Image) -> Banding:
    """Compare two stylised ramps: bands are few distinct columns, and long runs of one."""
    (levels, run), (wanted, wanted_run) = map(_steps, (picture, reference))
    return Banding(
        levels=levels, reference_levels=wanted, longest_run=run, reference_run=wanted_run
    )


def _steps(picture: Image) -> tuple[int, int]:
    # Columns are averaged: a style draws texture, banding is what is left beneath it.
    columns = picture.astype(np.float64).mean(0).round().astype(np.int64)
    changes = np.flatnonzero((np.diff(columns, axis=0) != 0).any(1))
    edges = np.concatenate([[-1], changes, [len(columns) - 1]])
    return len(np.unique(columns, axis=0)), int(np.diff(edges).max())
