"""The small U-Net that denoises glyph scenes, in the shape of Stable Diffusion's.

Its latent is the picture itself, every 2x2 pixels folded into one token, so a glyph has 4x4 tokens.
All its self-attention is in the decoder, where cross-image attention acts. Elsewhere it would carry
a picture's own colours past the exchange.
"""

from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor
from torch.nn import functional

from hsi.appearance.glyphs.scenes import PARTS, SIZE, Scenes

UNSHUFFLE = 2  # pixels a side of a token
TOKENS = SIZE // UNSHUFFLE  # a side
CHANNELS = 3 * UNSHUFFLE**2
CONTEXT = 16  # width of the one zero token in the place of a text
TRAIN_STEPS = 1000
SHARPNESS = 3.0  # of self-attention at the beginning, in units of what diffusers begins with


def build_unet() -> UNet2DConditionModel:
    """A new U-Net; seed torch before, for weights that can be had again."""
    unet = UNet2DConditionModel(
        sample_size=TOKENS,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(48, 64),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        mid_block_type=None,
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=CONTEXT,
        attention_head_dim=4,  # diffusers' name for the number of heads
    )
    assert isinstance(unet, UNet2DConditionModel)
    _tie_keys_to_queries(unet)
    return unet


def _tie_keys_to_queries(unet: UNet2DConditionModel) -> None:
    """Let every token begin by attending to those like it, its class among them.

    From diffusers' own beginning attention is even, and it takes long until a little preference for
    the class is worth more to the loss than none.
    """
    for block in unet.modules():
        if isinstance(block, BasicTransformerBlock):
            with torch.no_grad():
                block.attn1.to_q.weight.mul_(SHARPNESS**0.5)
                block.attn1.to_k.weight.copy_(block.attn1.to_q.weight)


def build_scheduler() -> DDIMScheduler:
    """Stable Diffusion's noise schedule; the clean picture is predicted.

    To predict noise or v, a token would have to carry its own pixels through the U-Net, and with
    them the colour that attention is to bring.
    """
    scheduler = DDIMScheduler(
        num_train_timesteps=TRAIN_STEPS,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="sample",
    )
    assert isinstance(scheduler, DDIMScheduler)
    return scheduler


def latents_from_scenes(scenes: Scenes) -> Tensor:
    """Latents `(N, CHANNELS, TOKENS, TOKENS)` float32 in [-1, 1]."""
    return functional.pixel_unshuffle(torch.from_numpy(scenes.pictures) * 2 - 1, UNSHUFFLE)


def pictures_from_latents(latents: Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Pictures `(N, 3, SIZE, SIZE)` RGB in [0, 1], clipped."""
    pictures = functional.pixel_shuffle(latents, UNSHUFFLE).add(1).div(2).clamp(0, 1)
    return pictures.float().cpu().numpy()


def weights_from_scenes(scenes: Scenes) -> Tensor:
    """What each value of the latents counts, so that parts of a scene count alike: mean 1.

    By their pixels, the background would be most of a scene.

    Returns:
        As :func:`latents_from_scenes`.
    """
    parts = torch.from_numpy(scenes.parts).long()
    one_hot = functional.one_hot(parts, len(PARTS)).float()
    shares = one_hot.mean((1, 2), keepdim=True)
    weights = (one_hot / shares.clamp(min=1e-6)).sum(-1) / (shares > 0).sum(-1)
    return functional.pixel_unshuffle(weights[:, None], UNSHUFFLE).repeat(1, 3, 1, 1)


def empty_context(count: int) -> Tensor:
    """What stands in the place of ``count`` texts: `(N, 1, CONTEXT)` zeros."""
    return torch.zeros(count, 1, CONTEXT)


class Diffusion:
    """Noise added and scenes predicted: the training side of :func:`build_scheduler`."""

    def __init__(self) -> None:
        kept = build_scheduler().alphas_cumprod
        self._signal, self._noise = kept.sqrt(), (1 - kept).sqrt()

    def loss(
        self,
        unet: UNet2DConditionModel,
        latents: Tensor,
        t: Tensor,
        noise: Tensor,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Squared error of the predicted scenes.

        Args:
            unet: Predicts clean latents.
            latents: `(N, CHANNELS, TOKENS, TOKENS)`, clean.
            t: `(N,)` int64, 0 to TRAIN_STEPS - 1.
            noise: As ``latents``, of unit variance.
            weights: As ``latents``, of mean 1; None: all the same.

        Returns:
            `(N,)`, one a scene.
        """
        signal, sigma = (v[t].view(-1, 1, 1, 1) for v in (self._signal, self._noise))
        seen = signal * latents + sigma * noise
        made = unet(seen, t, encoder_hidden_states=empty_context(len(latents))).sample
        error = (made - latents).square()
        per_scene: Tensor = (error if weights is None else error * weights).mean((1, 2, 3))
        return per_scene
