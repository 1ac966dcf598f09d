"""Style pictures from strangers: bounded in bytes and pixels before anything is decoded."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Image

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000  # what the best telephone takes
_TOO_LARGE = f"expected at most {MAX_PIXELS // 1_000_000} megapixels: make it smaller"
_FORMATS = ("JPEG", "PNG", "WEBP")
_KEPT_SIDE = 1024  # pixels of the long side; networks see styles at 512


def picture_from_upload(data: bytes) -> Image:
    """Decode a style picture that came over the network.

    Args:
        data: A JPEG, PNG or WebP file of up to `MAX_BYTES`.

    Returns:
        `(H, W, 3)` uint8 BGR, turned as its EXIF says, with sides of up to 1024 pixels.

    Raises:
        SourceError: It is none of these, is damaged, or has more than `MAX_PIXELS`.
    """
    try:
        # Opening reads the header alone: what it promises is judged before memory is spent.
        with Pillow.open(io.BytesIO(data), formats=_FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise SourceError(f"uploaded picture: {_TOO_LARGE}, found {width}x{height}")
            picture.draft("RGB", (_KEPT_SIDE, _KEPT_SIDE))
            # Turned before it is converted, which would lose the word on how.
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            upright.thumbnail((_KEPT_SIDE, _KEPT_SIDE))
            values = np.asarray(upright, np.uint8)
    except SourceError:
        raise
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise SourceError(f"uploaded picture: {_TOO_LARGE}, found far more") from error
    except Exception as error:
        # Damaged files raise a dozen kinds of exceptions in as many decoders.
        raise SourceError(
            f"uploaded picture: expected JPEG, PNG or WebP, found {len(data)} bytes that are none, "
            "or one that is damaged: give another file"
        ) from error
    return np.asarray(cv2.cvtColor(values, cv2.COLOR_RGB2BGR), np.uint8)
