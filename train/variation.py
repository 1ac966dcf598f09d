"""Variations of training pictures: palettes that no painting has, and what cheap cameras do."""

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

NOISE = 6.0  # largest deviation of a degraded picture's noise, of 255
QUALITY = (20, 95)  # of its JPEG compression


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
