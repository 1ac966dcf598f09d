"""The published code's own variant of FreeU, without FFT, so that it exports."""

import math
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

# Half of the channels, scaled; and what remains of the lowest frequencies.
WIDEST = (1.2, 0.9)  # 1280 channels in Stable Diffusion
HALF_AS_WIDE = (1.4, 0.2)  # 640


def add_published_free_u(unet: UNet2DConditionModel) -> None:
    """Change what each block of the decoder is given, from now on.

    Official FreeU filters skip connections at each resnet. This one filters the backbone, once a
    block, its mean included. The published code names widths of 1280 and 640; here they are the
    widest of the U-Net and half of it, which for Stable Diffusion is the same.
    """
    widest = max(unet.config.block_out_channels)
    settings = {widest: WIDEST, widest // 2: HALF_AS_WIDE}

    def changed(
        module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        del module
        # diffusers hands over the backbone by name.
        hidden = kwargs["hidden_states"]
        setting = settings.get(hidden.shape[1])
        if setting is not None:
            kwargs = {**kwargs, "hidden_states": free_u(hidden, *setting)}
        return args, kwargs

    for block in unet.up_blocks:
        block.register_forward_pre_hook(changed, with_kwargs=True)


def free_u(hidden: Tensor, backbone: float, low: float) -> Tensor:
    """Half of the channels times `backbone`, and low frequencies of all times `low`.

    Args:
        hidden: `(N, C, H, W)`, H and W even.
        backbone: Factor of the first half of the channels.
        low: Factor of the four modes (0, 0), (-1, 0), (0, -1) and (-1, -1) of the shifted
            spectrum's centre, as one complex mask would have it: the real part of the result.
    """
    half = hidden.shape[1] // 2
    scaled = torch.cat([hidden[:, :half] * backbone, hidden[:, half:]], dim=1)
    rows, channels, height, width = scaled.shape
    basis = _low_modes(height, width).to(scaled)
    flat = scaled.reshape(rows, channels, height * width)
    lowest = flat @ basis.T @ basis / (height * width)
    return (flat - (1 - low) * lowest).reshape(scaled.shape)


def _low_modes(height: int, width: int) -> Tensor:
    """Cosine and sine of each mode: `(8, H W)`."""
    down = torch.arange(height)[:, None] / height
    right = torch.arange(width)[None, :] / width
    phases = [2 * math.pi * (a * down + b * right) for a in (0, -1) for b in (0, -1)]
    waves = [wave(phase) for phase in phases for wave in (torch.cos, torch.sin)]
    return torch.stack([wave.expand(height, width).flatten() for wave in waves])
