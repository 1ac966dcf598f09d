"""Whether attention looks at the same class: what a glyph denoiser must learn to be of use."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from hsi.appearance.glyphs.denoiser import Diffusion, latents_from_scenes
from hsi.appearance.glyphs.scenes import CELL, SIZE, Scenes, draw_scenes

TIMESTEP = 471  # where most of the picture is still noise
SEED = 77  # of the scenes looked at, which no training seed draws


@dataclass(frozen=True, kw_only=True)
class Purity:
    """Shares of the attention of glyphs' tokens, averaged over heads, tokens and scenes.

    A token's own place is left out: that it attends to its own glyph says nothing.
    """

    same: float  # on other glyphs of the same class
    other: float  # on glyphs of other classes
    chance: float  # what an even attention would put on the same class

    @property
    def ratio(self) -> float:
        """Same against all glyphs, 0 to 1."""
        return self.same / (self.same + self.other)


class _Recorder:
    """Plain attention that keeps its matrix: `(N, tokens, tokens)`, mean over heads."""

    matrix: Tensor

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        query, key, value = (
            attn.head_to_batch_dim(project(hidden_states))
            for project in (attn.to_q, attn.to_k, attn.to_v)
        )
        weights = attn.get_attention_scores(query, key)
        self.matrix = weights.unflatten(0, (len(hidden_states), attn.heads)).mean(1)
        made: Tensor = attn.to_out[0](attn.batch_to_head_dim(weights @ value))
        return made


@torch.no_grad()
def attention_purity(unet: UNet2DConditionModel, count: int = 16) -> dict[str, Purity]:
    """Purity of each self-attention layer of the decoder.

    Args:
        unet: Of the glyph domain; its processors are put back.
        count: Scenes to average over.

    Returns:
        By the layer's name in diffusers.
    """
    rng = np.random.default_rng(SEED)
    scenes = draw_scenes(count, rng, missing_share=0)
    latents = latents_from_scenes(scenes)
    noise = torch.from_numpy(rng.standard_normal(latents.shape, np.float32))
    stock: dict[str, Any] = dict(unet.attn_processors)
    recorders = {name: _Recorder() for name in stock if "up_blocks" in name and ".attn1." in name}
    unet.set_attn_processor({**stock, **recorders})
    try:
        Diffusion().loss(unet, latents, torch.full((count,), TIMESTEP), noise)
    finally:
        unet.set_attn_processor(stock)
    return {name: _purity(recorder.matrix, scenes) for name, recorder in recorders.items()}


def _purity(matrix: Tensor, scenes: Scenes) -> Purity:
    parts, places = _tokens(scenes, matrix.shape[-1])
    glyph = (parts > 0).float()
    elsewhere = glyph[:, None] * (places[:, None] != places)
    same = (parts[:, :, None] == parts[:, None]) * elsewhere
    other = elsewhere - same

    def mean(shares: Tensor) -> float:
        return float((shares * glyph).sum() / glyph.sum())

    return Purity(
        same=mean((matrix * same).sum(-1)),
        other=mean((matrix * other).sum(-1)),
        chance=mean(same.mean(-1)),
    )


def _tokens(scenes: Scenes, count: int) -> tuple[Tensor, Tensor]:
    """The part at each token's centre `(N, count)`, and the glyph's place it is in `(count,)`."""
    stride = SIZE // math.isqrt(count)
    centres = np.arange(stride // 2, SIZE, stride)
    parts = scenes.parts[:, centres[:, None], centres[None]].reshape(len(scenes), -1)
    places = (centres[:, None] // CELL * SIZE + centres[None] // CELL).reshape(-1)
    return torch.from_numpy(parts.astype(np.int64)), torch.from_numpy(places)
