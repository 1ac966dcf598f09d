"""What the denoiser makes of pure noise: the quickest look at whether it has learned."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from diffusers import UNet2DConditionModel

from hsi.appearance.glyphs.denoiser import (
    CHANNELS,
    TOKENS,
    build_scheduler,
    empty_context,
    pictures_from_latents,
)
from hsi.appearance.glyphs.scenes import SIZE
from hsi.model.checkpoint import written_beside

ENLARGED = 3  # times, in sheets
Picture = npt.NDArray[np.uint8]


@torch.no_grad()
def sample_sheet(
    unet: UNet2DConditionModel, path: Path, *, count: int = 8, steps: int = 20
) -> None:
    """Write a PNG of scenes sampled by DDIM from noise that is always the same.

    Raises:
        OutputError: It cannot be written.
    """
    scheduler = build_scheduler()
    scheduler.set_timesteps(steps)
    noise = np.random.default_rng(0).standard_normal((count, CHANNELS, TOKENS, TOKENS), np.float32)
    latents = torch.from_numpy(noise)
    for t in scheduler.timesteps:
        made = unet(latents, t, encoder_hidden_states=empty_context(count)).sample
        latents = scheduler.step(made, t, latents).prev_sample
    write_grid(path, pictures_from_latents(latents), columns=8)


def write_grid(path: Path, pictures: npt.NDArray[np.float32], columns: int) -> None:
    """Write pictures `(N, 3, SIZE, SIZE)` RGB in [0, 1] row by row as one enlarged PNG.

    Raises:
        OutputError: It cannot be written.
    """
    side, rim = SIZE * ENLARGED, 4
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (side + rim) + rim, columns * (side + rim) + rim, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = (rim + place * (side + rim) for place in divmod(number, columns))
        sheet[top : top + side, left : left + side] = _enlarged(picture)
    with written_beside(path) as beside:
        beside.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())


def _enlarged(picture: npt.NDArray[np.float32]) -> Picture:
    bgr = (picture[::-1].transpose(1, 2, 0).clip(0, 1) * 255).round().astype(np.uint8)
    return bgr.repeat(ENLARGED, 0).repeat(ENLARGED, 1)
