"""Adaptive instance normalisation: the style's mean and deviation of each channel, in masks."""

import numpy as np
import numpy.typing as npt

from hsi.runtime.appearance.schedule import Latents

Masks = npt.NDArray[np.float32]
"""`(N, h, w)` float32 in [0, 1], of latent size: 1 is the object."""

MIN_PIXELS = 16  # of latents: fewer have no deviation worth the name
EPSILON = 1e-5  # added to variances, as published


def adain(content: Latents, style: Latents, masks: Masks, style_masks: Masks) -> Latents:
    """Content with the style's statistics where `masks` are.

    Statistics are of pixels whose mask is at least 0.5; soft rims blend. Where a picture's mask or
    its style's holds fewer than `MIN_PIXELS`, both count as whole pictures: there is no deviation
    of nothing, and the published code gives black pictures there.

    Args:
        content: `(N, C, h, w)`.
        style: `(N, C, h', w')`, one for each.
        masks: `(N, h, w)` of the content.
        style_masks: `(N, h', w')`.

    Returns:
        `x (1 - m) + m ((x - mu) / sd * sd_style + mu_style)`, with unbiased deviations.
    """
    enough = (pixels(masks) >= MIN_PIXELS) & (pixels(style_masks) >= MIN_PIXELS)
    enough = enough[:, None, None]
    pairs = zip(
        content,
        style,
        np.where(enough, masks, np.float32(1)),
        np.where(enough, style_masks, np.float32(1)),
        strict=True,
    )
    return np.stack([_adain_one(*pair) for pair in pairs])


def pixels(masks: Masks) -> npt.NDArray[np.int64]:
    """Pixels of each mask that count: `(N,)`."""
    return np.asarray((masks >= 0.5).sum(axis=(1, 2)))


def _adain_one(
    content: npt.NDArray[np.float32],
    style: npt.NDArray[np.float32],
    mask: npt.NDArray[np.float32],
    style_mask: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    mean, deviation = _statistics(content, mask)
    style_mean, style_deviation = _statistics(style, style_mask)
    moved = (content - mean) / deviation * style_deviation + style_mean
    return np.asarray(content * (1 - mask) + moved * mask, np.float32)


def _statistics(
    latents: npt.NDArray[np.float32], mask: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mean and deviation of each channel, `(C, 1, 1)`."""
    inside = latents[:, mask >= 0.5].astype(np.float64)
    mean = inside.mean(axis=1)[:, None, None]
    variance = inside.var(axis=1, ddof=1)[:, None, None]
    return mean.astype(np.float32), np.sqrt(variance + EPSILON).astype(np.float32)
