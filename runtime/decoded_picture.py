"""Pictures as FFmpeg decodes them, as pixels."""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from hsi.runtime.frame import Image

_UNSPECIFIED_COLORSPACE = 2  # AVCOL_SPC_UNSPECIFIED
_HD_HEIGHT = 720  # from here on players take an untagged video for BT.709, below for BT.601


def image_from(picture: av.VideoFrame) -> Image:
    """Return a decoded picture as `(H, W, 3)` uint8 BGR, turned as it asks for."""
    arguments: dict[str, Any] = {"format": "bgr24"}
    if picture.colorspace == _UNSPECIFIED_COLORSPACE and picture.height >= _HD_HEIGHT:
        arguments["src_colorspace"] = "ITU709"
    image = _pixels_of(picture.reformat(**arguments))
    quarter_turns = round(getattr(picture, "rotation", 0) / 90) % 4  # counter-clockwise
    if quarter_turns:
        image = np.asarray(np.rot90(image, quarter_turns), np.uint8)
    return np.ascontiguousarray(image)


def _pixels_of(picture: av.VideoFrame) -> Image:
    """Return the pixels of a BGR picture in its own memory.

    `VideoFrame.to_ndarray` copies them, which costs as much again as the conversion.
    """
    plane: Any = picture.planes[0]  # a buffer, which its annotations do not say
    rows: Image = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : 3 * plane.width].reshape(plane.height, plane.width, 3)
