"""Pictures to latents and back: by a VAE, or by folding pixels where a model has none."""

from typing import Protocol

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional


class Codec(Protocol):
    """Pictures in [-1, 1] to latents and back."""

    stride: int  # pixels along the side of a latent pixel

    def encode(self, pictures: Tensor) -> Tensor:
        """`(N, 3, H, W)` RGB in [-1, 1] to `(N, C, H / stride, W / stride)`."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """And back; not clamped."""
        ...

    def modules(self) -> list[nn.Module]:
        """What has weights."""
        ...


class VaeCodec:
    """A VAE's mode, scaled as its U-Net was trained on."""

    def __init__(self, vae: AutoencoderKL) -> None:
        self.vae = vae.eval()
        self.stride = 2 ** (len(vae.config.block_out_channels) - 1)

    def encode(self, pictures: Tensor) -> Tensor:
        """See :class:`Codec`."""
        mode = self.vae.encode(pictures).latent_dist.mode()
        latents: Tensor = mode * self.vae.config.scaling_factor
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """See :class:`Codec`."""
        pictures: Tensor = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        return pictures

    def modules(self) -> list[nn.Module]:
        """See :class:`Codec`."""
        return [self.vae]


class PixelCodec:
    """Squares of pixels folded into channels, for models of pixels: exact in both directions.

    Args:
        unshuffle: Pixels along the side of a square; latents have `3 unshuffle²` channels.
    """

    def __init__(self, unshuffle: int = 1) -> None:
        self.stride = unshuffle

    def encode(self, pictures: Tensor) -> Tensor:
        """See :class:`Codec`."""
        return functional.pixel_unshuffle(pictures, self.stride)

    def decode(self, latents: Tensor) -> Tensor:
        """See :class:`Codec`."""
        return functional.pixel_shuffle(latents, self.stride)

    def modules(self) -> list[nn.Module]:
        """See :class:`Codec`."""
        return []


def planes_from_pictures(pictures: Tensor) -> Tensor:
    """`(N, H, W, 3)` uint8 BGR to `(N, 3, H, W)` RGB in [-1, 1]."""
    return pictures.to(torch.float32).permute(0, 3, 1, 2).flip(1) / 127.5 - 1


def pictures_from_planes(planes: Tensor) -> Tensor:
    """And back, rounded and clamped."""
    pixels = ((planes.float() + 1) * 127.5).round().clamp(0, 255)
    return pixels.flip(1).permute(0, 2, 3, 1).to(torch.uint8)
