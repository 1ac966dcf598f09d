"""Attention processors for diffusers' U-Nets, which share what they see and what they are told."""

from dataclasses import dataclass, field

from diffusers.models.attention_processor import Attention
from torch import Tensor

from hsi.appearance.attention import (
    blended,
    contrasted_attention,
    heads_apart,
    heads_together,
    plain_attention,
    select_rows,
)


@dataclass(frozen=True, kw_only=True)
class TensorControls:
    """:class:`hsi.runtime.appearance.Controls` as tensors; `(groups, N)` where not scalar."""

    kv_index: Tensor  # int64
    contrast: Tensor | None  # None: no row has any, and the fused kernel serves
    temperature: Tensor
    query_weight: Tensor
    clip: Tensor  # 0 or 1
    renormalise: Tensor  # 0 or 1


@dataclass(frozen=True, kw_only=True)
class TensorFeatures:
    """What one layer attends with: `(N, T, C)`."""

    key: Tensor | None = None
    value: Tensor | None = None
    query: Tensor | None = None


@dataclass(kw_only=True)
class Tap:
    """What all processors of a U-Net share during one call of it."""

    controls: TensorControls | None = None  # None: plain attention
    bank: dict[int, TensorFeatures] = field(default_factory=dict)  # by the layer's number
    record: bool = False
    recorded: dict[int, TensorFeatures] = field(default_factory=dict)
    noun_map: Tensor | None = None  # (N, T)


class CrossImageProcessor:
    """Self-attention that records its features, and takes foreign ones as the tap's controls say.

    Args:
        tap: Shared with the other layers.
        number: Of this layer.
        group: Which row of the controls is its.
    """

    def __init__(self, tap: Tap, number: int, group: int) -> None:
        self._tap, self._number, self._group = tap, number, group

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """What diffusers calls; see its `AttnProcessor2_0`, which this equals without controls."""
        del encoder_hidden_states, attention_mask, temb
        tokens = _tokens(attn, hidden_states)
        query, key, value = attn.to_q(tokens), attn.to_k(tokens), attn.to_v(tokens)
        if self._tap.record:
            self._tap.recorded[self._number] = TensorFeatures(query=query, key=key, value=value)
        found = self._attended(attn.heads, query, key, value)
        return _closed(attn, heads_together(found), hidden_states)

    def _attended(self, heads: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        controls, group = self._tap.controls, self._group
        if controls is None:
            return plain_attention(*(heads_apart(x, heads) for x in (query, key, value)))
        foreign = self._tap.bank.get(self._number, TensorFeatures())
        index = controls.kv_index[group]
        key = select_rows(key, foreign.key, index)
        value = select_rows(value, foreign.value, index)
        if foreign.query is not None:
            query = blended(query, foreign.query, controls.query_weight[group])
        query = query * controls.temperature[group][:, None, None]
        apart = [heads_apart(x, heads) for x in (query, key, value)]
        if controls.contrast is None:
            return plain_attention(*apart)
        return contrasted_attention(
            *apart,
            contrast=controls.contrast[group],
            clip=controls.clip,
            renormalise=controls.renormalise,
        )


class NounProcessor:
    """Attention to the text that also tells how much of it goes to some words.

    Args:
        tap: Where the map goes.
        tokens: Places of the noun's tokens in the text.
    """

    def __init__(self, tap: Tap, tokens: tuple[int, ...]) -> None:
        self._tap, self._tokens = tap, tokens

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """What diffusers calls."""
        del attention_mask, temb
        query = heads_apart(attn.to_q(hidden_states), attn.heads)
        key = heads_apart(attn.to_k(encoder_hidden_states), attn.heads)
        value = heads_apart(attn.to_v(encoder_hidden_states), attn.heads)
        if self._tap.record:
            weights = (query @ key.transpose(2, 3) * attn.scale).softmax(dim=-1).mean(dim=1)
            self._tap.noun_map = weights[:, :, list(self._tokens)].mean(dim=-1)
        found = heads_together(plain_attention(query, key, value))
        return _closed(attn, found, hidden_states)


def _tokens(attn: Attention, hidden_states: Tensor) -> Tensor:
    """Tokens `(N, T, C)`, also of layers that attend within a picture `(N, C, h, w)`."""
    if hidden_states.ndim == 3:
        return hidden_states
    tokens = hidden_states.flatten(2)
    if attn.group_norm is not None:
        tokens = attn.group_norm(tokens)
    return tokens.transpose(1, 2)


def _closed(attn: Attention, found: Tensor, hidden_states: Tensor) -> Tensor:
    found = attn.to_out[1](attn.to_out[0](found))
    if hidden_states.ndim == 4:
        found = found.transpose(1, 2).reshape(hidden_states.shape)
    if attn.residual_connection:
        found = found + hidden_states
    closed: Tensor = found / attn.rescale_output_factor
    return closed
