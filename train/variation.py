"""Variations of training pictures: palettes that no painting has, and what cheap cameras do."""

from collections.abc import Callable, Mapping
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from hsi.train.pattern import drawn_pattern

Picture = npt.NDArray[np.uint8]

NOISE = 6.0  # largest deviation of a degraded picture's noise, of 255
QUALITY = (20, 95)  # of its JPEG compression


def redrawn(picture: Picture, rng: np.random.Generator) -> Picture:
    """Draw a pattern in the place of a square picture, see :mod:`hsi.train.pattern`.

    Args:
        picture: `(H, H, 3) uint8 BGR`.
        rng: Decides what.

    Returns:
        A new picture, alike.
    """
    return drawn_pattern(len(picture), rng)


def recoloured(picture: Picture, rng: np.random.Generator) -> Picture:
    """Turn all hues by one random angle and scale saturation by 0.6 to 1.6.

    A few hundred paintings share a few palettes; turned ones teach that the palette is the style's.

    Args:
        picture: `(H, W, 3) uint8 BGR`.
        rng: Decides how.

    Returns:
        A new picture, alike.
    """
    hue, lightness, saturation = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2HLS_FULL))
    hue = hue + np.uint8(rng.integers(256))  # a turn is 256 here: wraps as an angle does
    saturation = cv2.convertScaleAbs(saturation, alpha=rng.uniform(0.6, 1.6))
    turned = cv2.merge([hue, lightness, saturation])
    return cast(Picture, cv2.cvtColor(turned, cv2.COLOR_HLS2BGR_FULL))


def degraded(picture: Picture, rng: np.random.Generator) -> Picture:
    """Add sensor noise, then compress as JPEG, each by a random amount.

    Args:
        picture: `(H, W, 3) uint8 BGR`.
        rng: Decides how much.

    Returns:
        A new picture, alike.
    """
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0, NOISE))
    noisy = np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)
    quality = int(rng.integers(*QUALITY, endpoint=True))
    _, packed = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cast(Picture, cv2.imdecode(packed, cv2.IMREAD_COLOR))


def flattened(picture: Picture, rng: np.random.Generator) -> Picture:
    """Draw all tones together to 0.1 to 0.6 of their contrast, about any level that holds them.

    Photographs people keep are lively; what a camera sees above a belt or a table is mostly not.

    Args:
        picture: `(H, W, 3) uint8 BGR`.
        rng: Decides how much, and how bright.

    Returns:
        A new picture, alike.
    """
    contrast = float(np.exp(rng.uniform(np.log(0.1), np.log(0.6))))
    darkest = rng.uniform(0, 255 * (1 - contrast))
    table = np.rint(darkest + np.arange(256) * contrast).astype(np.uint8)
    return cast(Picture, cv2.LUT(picture, table))


def contrasted(picture: Picture, rng: np.random.Generator) -> Picture:
    """Change contrast about the mean by 0.6 to 2, gamma by 0.6 to 1.6.

    Most paintings are mild; woodcuts and posters are not.

    Args:
        picture: `(H, W, 3) uint8 BGR`.
        rng: Decides how.

    Returns:
        A new picture, alike.
    """
    tones = np.linspace(0, 1, 256) ** (1.6 ** rng.uniform(-1, 1))
    middle = float(np.mean(tones[picture]))
    scaled = middle + (tones - middle) * np.exp(rng.uniform(np.log(0.6), np.log(2)))
    table = np.clip(np.rint(scaled * 255), 0, 255).astype(np.uint8)
    return cast(Picture, cv2.LUT(picture, table))


def gradient_mapped(picture: Picture, rng: np.random.Generator) -> Picture:
    """Give every tone of a picture a colour, along a row of random colours.

    Tones are those of a random direction among colours, so that not only lightness tells colours
    apart. Half of the rows are gradients, half have steps, as flat colours have; two thirds go from
    nearly black to nearly white, as most paintings do. Mixed with the picture by 0.5 to 1.

    Args:
        picture: `(H, W, 3) uint8 BGR`.
        rng: Decides how.

    Returns:
        A new picture, alike.
    """
    direction = np.abs(rng.standard_normal(3)) * rng.choice([1, 1, 1, -1], size=3)
    smooth = cv2.GaussianBlur(picture, (3, 3), 0)  # steps would make a pattern of every grain
    values = smooth.astype(np.float32) @ (direction / np.abs(direction).sum()).astype(np.float32)
    low, high = np.percentile(values, [1, 99])
    tones = np.clip((values - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)
    count = int(rng.integers(3, 8))
    colours = rng.integers(0, 256, (count, 3)).astype(np.float32)
    if rng.random() < 0.67:
        colours = colours[np.argsort(colours.sum(1))]
        colours[0] *= 0.3
        colours[-1] += (255 - colours[-1]) * 0.75
    stops = np.sort(rng.uniform(0, 255, count))
    if rng.random() < 0.5:
        table = colours[np.searchsorted(stops[1:], np.arange(256))]
    else:
        table = np.stack([np.interp(np.arange(256), stops, c) for c in colours.T], 1)
    mapped = table[tones]
    mix = rng.uniform(0.5, 1)
    return np.asarray(np.rint(mapped * mix + picture * (1 - mix)), np.uint8)


# In this order, by the option that says what share of the paintings it is for.
STYLE_VARIATIONS: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "drawn": redrawn,
    "gradient_map": gradient_mapped,
    "recolour": recoloured,
    "contrast": contrasted,
}


def varied(style: Picture, rng: np.random.Generator, shares: Mapping[str, float]) -> Picture:
    """Vary a painting, or leave it, as chance and shares have it.

    Args:
        style: `(H, H, 3) uint8 BGR`.
        rng: Decides whether and how.
        shares: From 0 to 1, by the names of :data:`STYLE_VARIATIONS`; others do not count.

    Returns:
        The painting itself, or a new picture alike.
    """
    for name, vary in STYLE_VARIATIONS.items():
        # No number is drawn for what is switched off: a recipe without it stays what it was.
        if shares[name] and rng.random() < shares[name]:
            style = vary(style, rng)
    return style
