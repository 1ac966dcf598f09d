"""Masks of the object from the U-Net's own attention ("Prompt Mixing", section 3.3)."""

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.appearance.adain import MIN_PIXELS, Masks, pixels
from hsi.runtime.appearance.denoiser import Array, AttentionLayer, LayerFeatures

CLUSTERS = 5
ATTEMPTS = 10
NOUN_THRESHOLD = 1.4  # a cluster is the noun's if it scores this much above the mean of the others

Labels = npt.NDArray[np.int32]


def attention_maps(layer: AttentionLayer, features: LayerFeatures) -> Array:
    """Self-attention of a recorded layer, averaged over heads: `(N, T, T)`, rows sum to 1."""
    assert features.query is not None and features.key is not None
    rows, tokens, width = features.query.shape
    shape = (rows, tokens, layer.heads, width // layer.heads)
    query, key = features.query.reshape(shape), features.key.reshape(shape)
    found = np.zeros((rows, tokens, tokens), np.float32)
    for row in range(rows):
        for head in range(layer.heads):  # one at a time: 64x64 tokens take 64 MiB each
            logits = query[row, :, head] @ key[row, :, head].T / np.sqrt(shape[3])
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            found[row] += weights / weights.sum(axis=1, keepdims=True)
    return found / np.float32(layer.heads)


def segment(attention: Array, size: tuple[int, int], *, clusters: int = CLUSTERS) -> Labels:
    """Parts of a picture: its tokens by whom they attend to, by k-means.

    Args:
        attention: `(T, T)`, rows sum to 1.
        size: `(h, w)` of the tokens; `h * w` is T.
        clusters: How many parts; not all need exist.

    Returns:
        `(h, w)` int32, from 0.
    """
    count = min(clusters, len(attention))
    cv2.setRNGSeed(1)  # the published seed
    enough = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 300, 1e-6)
    # Entries are about 1/T, whose squares would fall below the limit that ends the iteration.
    rows = attention * np.float32(len(attention))
    _, labels, _ = cv2.kmeans(
        rows, count, np.empty((0, 1), np.int32), enough, ATTEMPTS, cv2.KMEANS_PP_CENTERS
    )
    return np.asarray(labels, np.int32).reshape(size)


def object_mask(labels: Labels, noun_map: Array | None = None) -> npt.NDArray[np.float32]:
    """Which parts are the object.

    Args:
        labels: `(h, w)` of :func:`segment`.
        noun_map: `(h, w)`, how much each token attends to the object's noun. None, where a model
            knows no words: parts that touch the border more than their share are background. That
            rule is this project's; the published code always has a noun.

    Returns:
        `(h, w)` float32 of 0 and 1. Too small a mask falls back to Otsu's threshold of the noun
        map, and then, as no noun map helps, to the whole picture: it is never empty.
    """
    mask = _off_border(labels) if noun_map is None else _of_noun(labels, noun_map)
    if pixels(mask[None])[0] < MIN_PIXELS and noun_map is not None:
        mask = _above_otsu(noun_map)
    if pixels(mask[None])[0] < MIN_PIXELS:
        mask = np.ones(labels.shape, np.float32)
    return mask


def resized_masks(masks: Masks, size: tuple[int, int]) -> Masks:
    """Masks in another size `(h, w)`, nearest neighbours, so that they stay binary."""
    height, width = size
    found = [cv2.resize(m, (width, height), interpolation=cv2.INTER_NEAREST) for m in masks]
    return np.stack(found).astype(np.float32)


def feathered(masks: Masks, sigma: float) -> Masks:
    """Masks with a Gaussian rim of `sigma` pixels; 0 leaves them as they are."""
    if sigma == 0:
        return masks
    blurred = [cv2.GaussianBlur(m, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for m in masks]
    return np.stack(blurred).astype(np.float32)


def _of_noun(labels: Labels, noun_map: Array) -> npt.NDArray[np.float32]:
    scaled = (noun_map - abs(noun_map.min())) / max(float(noun_map.max()), 1e-12)
    parts = np.unique(labels)
    scores = np.array([scaled[labels == part].mean() for part in parts])
    others = np.delete(scores, scores.argmax())
    limit = NOUN_THRESHOLD * others.mean() if len(others) else np.inf
    return np.isin(labels, parts[scores > limit]).astype(np.float32)


def _off_border(labels: Labels) -> npt.NDArray[np.float32]:
    border = np.ones(labels.shape, bool)
    border[1:-1, 1:-1] = False
    share = border.mean()
    inside = [part for part in np.unique(labels) if border[labels == part].mean() < share]
    return np.isin(labels, inside).astype(np.float32)


def _above_otsu(noun_map: Array) -> npt.NDArray[np.float32]:
    span = float(np.ptp(noun_map))
    scaled = (noun_map - noun_map.min()) / (span or 1.0) * 255
    _, mask = cv2.threshold(scaled.astype(np.uint8), 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(mask, np.float32)
