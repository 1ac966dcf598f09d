"""Style pictures on their way to the style encoder."""

from pathlib import Path

import cv2
import numpy as np

from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Image
from hsi.runtime.picture import picture_from_bytes

MIN_SIDE = 64  # pixels, the least a style encoder takes
MAX_ASPECT = 4  # longer pictures are squeezed to it, so that none takes all memory


def style_from_bytes(data: bytes, path: Path) -> Image:
    """Decode a style picture; ``path`` is what messages call it.

    Raises:
        SourceError: It is no picture.
    """
    picture = picture_from_bytes(data)
    if picture is None:
        raise SourceError(
            f"style {path}: expected a picture (JPEG, PNG, ...), found {len(data)} bytes that are "
            "none, or one cut short: give another file"
        )
    return picture


def sized_style(picture: Image, short_side: int) -> Image:
    """Shrink a picture to the size that styles were trained near; grow a tiny one to the least.

    Args:
        picture: `(H, W, 3) uint8 BGR`. Returned as it is where its size fits.
        short_side: Pixels; smaller pictures keep their size.
    """
    height, width = picture.shape[:2]
    side = min(height, width)
    wanted = max(min(side, short_side), MIN_SIDE)
    longest = MAX_ASPECT * wanted
    size = (
        min(longest, round(width * wanted / side)),
        min(longest, round(height * wanted / side)),
    )
    if size == (width, height):
        return picture
    method = cv2.INTER_AREA if wanted <= side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)
