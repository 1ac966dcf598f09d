"""Cross-image attention as arithmetic: no branch depends on a value, so one graph serves all."""

import math

import torch
from torch import Tensor
from torch.nn import functional

QUERIES_AT_ONCE = 1024  # rows of the attention matrix: bounds memory, changes nothing


def select_rows(own: Tensor, foreign: Tensor | None, index: Tensor) -> Tensor:
    """Rows of a batch, each from the batch itself or from the bank after it.

    Args:
        own: `(N, T, C)`.
        foreign: `(M, T, C)`, or None.
        index: `(N,)` int64, below N + M.
    """
    every = own if foreign is None else torch.cat([own, foreign])
    return every.index_select(0, index)


def blended(query: Tensor, foreign: Tensor, weight: Tensor) -> Tensor:
    """Queries `(N, T, C)` moved towards others of that shape, by `weight` `(N,)` (StyleID)."""
    share = weight[:, None, None]
    return share * foreign + (1 - share) * query


def contrasted_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    contrast: Tensor,
    clip: Tensor,
    renormalise: Tensor,
) -> Tensor:
    """Attention whose weights are spread about their mean (2311.03335, attention contrast).

        A = softmax(Q K^T / sqrt(d)),  A' = clip(beta (A - 1/T) + 1/T, 0, 1),  A' V

    Rows of A sum to 1, so their mean is 1/T; the published code averages along the wrong axis,
    which comes to the same. Clipping what is negative lets rows sum to between 1 and beta.

    Args:
        query: `(N, heads, Q, d)`; a temperature is a factor in it.
        key: `(N, heads, T, d)`.
        value: `(N, heads, T, d)`.
        contrast: beta, `(N,)`; 1 is plain attention.
        clip: 1 clips, 0 does not; a scalar.
        renormalise: 1 divides rows by their sum, 0 does not; a scalar.

    Returns:
        `(N, heads, Q, d)`.
    """
    spread = contrast[:, None, None, None]
    mean = 1 / key.shape[2]
    made = []
    for start in range(0, query.shape[2], QUERIES_AT_ONCE):
        part = query[:, :, start : start + QUERIES_AT_ONCE]
        logits = part @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        weights = spread * (logits.softmax(dim=-1) - mean) + mean
        weights = clip * weights.clamp(0, 1) + (1 - clip) * weights
        weights = weights / (1 + renormalise * (weights.sum(dim=-1, keepdim=True) - 1))
        made.append(weights @ value)
    return torch.cat(made, dim=2)


def plain_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The same without contrast, by torch's fused kernel."""
    return functional.scaled_dot_product_attention(query, key, value)


def heads_apart(tokens: Tensor, heads: int) -> Tensor:
    """`(N, T, C)` as `(N, heads, T, C / heads)`."""
    rows, count, width = tokens.shape
    return tokens.reshape(rows, count, heads, width // heads).transpose(1, 2)


def heads_together(tokens: Tensor) -> Tensor:
    """`(N, heads, T, d)` as `(N, T, heads d)`."""
    rows, _, count, _ = tokens.shape
    return tokens.transpose(1, 2).reshape(rows, count, -1)
