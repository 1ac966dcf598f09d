"""Pictures from the bytes of a file."""

from zlib import crc32

import cv2
import numpy as np

from hsi.runtime.frame import Image

PNG = b"\x89PNG\r\n\x1a\n"


def picture_from_bytes(data: bytes) -> Image | None:
    """Decode a picture of any format OpenCV reads.

    EXIF orientation is applied, transparency is dropped, 16-bit and grey pictures become 8-bit BGR.

    Returns:
        `(H, W, 3) uint8 BGR`, or None for what is no picture, is damaged or cut short.
    """
    if not data or _is_damaged_png(data) or _is_cut_jpeg(data):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # a size beyond OpenCV's limit
        return None
    return None if image is None else np.asarray(image, np.uint8)


def resized(image: Image, size: tuple[int, int]) -> Image:
    """Return a picture in another size, stretched where its sides have another ratio.

    Args:
        image: `(H, W, 3)` uint8 BGR. Returned itself where it has that size.
        size: `(width, height)` in pixels.
    """
    if (image.shape[1], image.shape[0]) == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """Return a picture in another size, whole and undistorted, with black bars where need be.

    Args:
        image: `(H, W, 3)` uint8 BGR.
        size: `(width, height)` in pixels.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    found = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    found[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        image, inner, interpolation=interpolation
    )
    return found


def silence_opencv() -> None:
    """Keep OpenCV's own complaints from standing in front of a command's one clear line."""
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(0)
    else:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _is_damaged_png(data: bytes) -> bool:
    # libpng reports this on stderr by itself, past our one clear line: so look before it does.
    if not data.startswith(PNG):
        return False
    place = len(PNG)
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        kind = data[place + 4 : place + 8]
        end = place + 8 + size
        needed = kind[:1].isupper()
        if needed and crc32(data[place + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return True
        if kind == b"IEND":
            return False
        place = end + 4
    return True


def _is_cut_jpeg(data: bytes) -> bool:
    # OpenCV before 5 fills what is missing with grey and says nothing. The picture begins after
    # the header's segments (one may hold a whole thumbnail) and ends with a marker of its own.
    if not data.startswith(b"\xff\xd8\xff"):
        return False
    place = 2
    while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] != b"\xda":
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return b"\xff\xd9" not in data[place:]
