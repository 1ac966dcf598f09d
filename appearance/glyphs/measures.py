"""How well appearance moved, part by part, where every part is known to the pixel."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from hsi.appearance.glyphs.scenes import PARTS, SIZE, TEXTURES, Scenes

Pictures = npt.NDArray[np.float32]  # (N, 3, SIZE, SIZE) RGB in [0, 1]
Values = npt.NDArray[np.float64]
CLUSTERING_ROUNDS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class PairScores:
    """Scores of some results, one value a pair. Parts that the style lacks are not scored.

    The ground, dark in every scene and plain, counts for colour error and overlap alone.
    """

    colour_error: Values  # RGB distance of a part's mean colour to the style's, 0 to sqrt(3)
    texture_error: Values  # distance of a class's texture to the style's, in grey levels of [0, 1]
    part_accuracy: Values  # share of classes whose nearest colour of the style is the right one's
    iou: Values  # intersection over union of the parts with those of the structure, 0 to 1

    def __len__(self) -> int:
        return len(self.iou)


MEASURES = tuple(field.name for field in fields(PairScores))


def score(results: Pictures, structures: Scenes, styles: Scenes) -> PairScores:
    """Score one result per pair.

    Args:
        results: Made from the pair's structure and style.
        structures: One a result.
        styles: One a result.
    """
    rows = [
        _score_pair(results[n], structures.parts[n], _Palette.of(styles, n))
        for n in range(len(results))
    ]
    return PairScores(
        **{name: np.array([row[name] for row in rows]) for name in MEASURES},
    )


def nearest_parts(results: Pictures, structures: Scenes, styles: Scenes, part: int) -> list[int]:
    """Which part of its style the colour of ``part`` in each result is nearest to."""
    found = []
    for n, result in enumerate(results):
        palette = _Palette.of(styles, n)
        mean = result[:, structures.parts[n] == part].mean(1)
        distances = np.linalg.norm(palette.colours - mean, axis=1)
        found.append(int(np.where(palette.present, distances, np.inf).argmin()))
    return found


def mask_overlap(masks: npt.NDArray[np.float32], scenes: Scenes) -> float:
    """Mean intersection over union of masks `(N, h, w)` in [0, 1] with the scenes' glyphs.

    A mask's pixel is a square of the picture's, and a glyph's where at least half of it is.
    """
    count, height, width = masks.shape
    glyphs = scenes.parts.reshape(count, height, SIZE // height, width, SIZE // width) > 0
    known, found = glyphs.mean((2, 4)) >= 0.5, masks >= 0.5
    return float(np.mean((known & found).sum((1, 2)) / (known | found).sum((1, 2))))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Palette:
    """What each part of one style looks like."""

    present: npt.NDArray[np.bool_]  # (PARTS,)
    colours: Values  # (PARTS, 3) mean RGB
    textures: Values  # (PARTS, textures)

    @classmethod
    def of(cls, styles: Scenes, number: int) -> "_Palette":
        picture, parts = styles.pictures[number], styles.parts[number]
        masks = [parts == part for part in range(len(PARTS))]
        present = np.array([mask.any() for mask in masks])
        colours = [picture[:, m].mean(1) if m.any() else np.zeros(3) for m in masks]
        textures = [_texture(picture, mask) for mask in masks]
        return cls(present=present, colours=np.stack(colours), textures=np.stack(textures))


def _score_pair(
    result: npt.NDArray[np.float32], parts: npt.NDArray[np.uint8], style: _Palette
) -> dict[str, float]:
    masks = [parts == part for part in range(len(PARTS))]
    shared = [part for part, mask in enumerate(masks) if mask.any() and style.present[part]]
    classes = [part for part in shared if part > 0]
    means = {part: result[:, masks[part]].mean(1) for part in shared}
    distances = {part: np.linalg.norm(style.colours - means[part], axis=1) for part in shared}
    right = [np.where(style.present, distances[part], np.inf).argmin() == part for part in classes]
    textures = [_texture(result, masks[part]) - style.textures[part] for part in classes]
    return {
        "colour_error": float(np.mean([distances[part][part] for part in shared])),
        "texture_error": float(np.linalg.norm(textures, axis=1).mean()),
        "part_accuracy": float(np.mean(right)),
        "iou": _iou(result, parts),
    }


def _texture(picture: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]) -> Values:
    """Amplitude of each texture in a region, by least squares; zeros if the region is empty."""
    if not mask.any():
        return np.zeros(len(TEXTURES) - 1)
    y, x = np.nonzero(mask)
    waves = np.array([1 - 2 * ((wx * x + wy * y) % 2) for wx, wy in TEXTURES]).astype(np.float64)
    grey = picture.mean(0)[mask].astype(np.float64)
    amplitudes: Values = np.linalg.lstsq(waves.T, grey, rcond=None)[0][1:]
    return amplitudes


def _iou(picture: npt.NDArray[np.float32], parts: npt.NDArray[np.uint8]) -> float:
    """Mean over parts of the overlap between the known parts and clusters of colour.

    The clusters are those of k-means, begun at the mean colour of each known part: a result whose
    parts have run into each other, or kept to no contour, is divided elsewhere.
    """
    labels = np.unique(parts)
    truth = np.searchsorted(labels, parts).ravel()
    pixels = picture.reshape(3, SIZE * SIZE).T.astype(np.float64)
    found = truth
    for _ in range(CLUSTERING_ROUNDS):
        centres = [
            pixels[found == k].mean(0) if (found == k).any() else np.full(3, np.inf)
            for k in range(len(labels))
        ]
        found = np.linalg.norm(pixels[:, None] - np.stack(centres)[None], axis=2).argmin(1)
    overlaps = [
        ((found == k) & (truth == k)).sum() / ((found == k) | (truth == k)).sum()
        for k in range(len(labels))
    ]
    return float(np.mean(overlaps))
