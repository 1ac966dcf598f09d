"""Pictures as the protocol has them: the middle square, at one size."""

from pathlib import Path

import cv2
import numpy as np

from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Image
from hsi.runtime.picture import picture_from_bytes


def read_picture(path: Path) -> Image:
    """Decode a picture file, `(H, W, 3) uint8 BGR`.

    Raises:
        SourceError: It is missing, or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"{path}: expected a picture, cannot read it: {error.strerror}: check the path"
        ) from error
    picture = picture_from_bytes(data)
    if picture is None:
        raise SourceError(
            f"{path}: expected a picture, found {len(data)} bytes that are none, or one cut short: "
            "give another file"
        )
    return picture


def squared(picture: Image, size: int) -> Image:
    """The middle square of a picture at ``size`` by ``size`` pixels.

    Shrunk by area averages, enlarged by cubic interpolation; one of this size already comes back
    value by value.
    """
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = picture[top : top + side, left : left + side]
    if side == size:
        return np.ascontiguousarray(middle)
    method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(middle, (size, size), interpolation=method), np.uint8)
