"""A temporal filter for the part of a picture where the scene stands still."""

from __future__ import annotations

import cv2
import numpy as np

from hsi.runtime.frame import Image

_SIDE = 270  # pixels of the short side at which frames are compared
# Grey levels of change: up to the first the scene stands still, from the second on it has changed.
_STILL, _CHANGED = 7.0, 20.0
# Around a thing that moves the network draws otherwise, too: as far as so many pixels, and with so
# much of the thing's own change. Noise changes no whole neighbourhood, so it reaches nowhere.
_REACH, _REACH_SHARE = 12, 0.5


class StillFilter:
    """Averages the stylised picture over time wherever the frame does not change beyond noise.

    Frames are compared with the mean of the frames that the averaged picture was made of, not
    with the last frame. So a slow change adds up until it is seen, and what is averaged never
    shows a scene that is gone.
    """

    def __init__(self) -> None:
        self._picture: cv2.typing.MatLike | None = None  # (H, W, 3) float32: 8 bits would stick
        self._frame: cv2.typing.MatLike | None = None  # (h, w, 3) float32, what it was made of

    def reset(self) -> None:
        """Forget the past."""
        self._picture = self._frame = None

    def smooth(self, frame: Image, picture: Image, memory: float) -> None:
        """Average the next picture with the past, in place.

        Args:
            frame: `(H, W, 3) uint8 BGR`. Read, not kept.
            picture: `(H, W, 3) uint8 BGR`, what was made of the frame. Written.
            memory: In [0, 1): the past's share where nothing changes.
        """
        small = _small(frame)
        if self._picture is None or self._frame is None:
            self._picture, self._frame = picture.astype(np.float32), small
            return
        share = memory * _stillness(small, self._frame, frame.shape[0] / small.shape[0])
        self._frame = cv2.blendLinear(self._frame, small, share, 1 - share)
        size = (picture.shape[1], picture.shape[0])
        full = cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)
        new = picture.astype(np.float32)
        self._picture = cv2.blendLinear(self._picture, new, full, 1 - full, self._picture)
        cv2.convertScaleAbs(self._picture, dst=picture)


def _small(frame: Image) -> cv2.typing.MatLike:
    height, width = frame.shape[:2]
    shrink = max(1.0, min(height, width) / _SIDE)
    size = (round(width / shrink), round(height / shrink))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _stillness(
    now: cv2.typing.MatLike, before: cv2.typing.MatLike, shrink: float
) -> cv2.typing.MatLike:
    """1 where nothing changed, 0 where all did; `(h, w) float32`."""
    change = cv2.subtract(now, before)
    here = _largest(cv2.blur(np.abs(change), (3, 3)))
    together = _largest(np.abs(cv2.blur(change, (5, 5))))
    side = 2 * round(_REACH / shrink) + 1
    around = _REACH_SHARE * cv2.dilate(together, np.ones((side, side), np.uint8))
    still = (_CHANGED - cv2.max(here, around)) / (_CHANGED - _STILL)
    return np.asarray(np.clip(still, 0, 1), np.float32)


def _largest(values: cv2.typing.MatLike) -> cv2.typing.MatLike:
    """The largest of the three channels; `(h, w)`."""
    return cv2.max(cv2.max(values[..., 0], values[..., 1]), values[..., 2])
