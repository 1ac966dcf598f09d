"""A trained U-Net as a model that transfers, in memory and on disk."""

from pathlib import Path

from diffusers import UNet2DConditionModel

from hsi.appearance import DiffusionModel, PixelCodec, save_model
from hsi.appearance.glyphs.denoiser import UNSHUFFLE, build_scheduler
from hsi.runtime.appearance import NoiseSchedule

SHIPPED = Path(__file__).with_name("data")  # what `train` writes with its defaults


def open_denoiser(unet: UNet2DConditionModel) -> DiffusionModel:
    """A U-Net of the trainer's with its schedule and its codec."""
    return DiffusionModel(
        unet=unet,
        schedule=NoiseSchedule.from_config(dict(build_scheduler().config)),
        codec=PixelCodec(UNSHUFFLE),
    )


def save_denoiser(unet: UNet2DConditionModel, folder: Path) -> None:
    """Write a U-Net of the trainer's in diffusers layout, weights as float16.

    Raises:
        OutputError: It cannot be written.
    """
    save_model(open_denoiser(unet), folder, half=True)
