"""How much a stylised picture changes where the scene stands still."""

from __future__ import annotations

import math

import cv2
import numpy as np

from hsi.runtime.frame import Image

_LOOK_S = 0.5  # between two looks, of two frames each
_PAIR_S = 0.25  # frames further apart are not compared
_SMOOTH_S = 2.0  # time constant
_SIDE = 90  # pixels of the short side that are compared: single ones, since a mean hides flicker
_STILL = 7  # grey levels of change up to which the scene stands still: sensor noise
_ENOUGH = 0.05  # share of pixels that must stand still


class FlickerGauge:
    """Compares two pictures in a row now and then. Frames come from one thread.

    The value is the mean change in grey levels of the picture's pixels at which the frame's do not
    change by more than noise.
    """

    def __init__(self) -> None:
        self.value: float | None = None
        """Grey levels, smoothed over two seconds; None before the first pair. For any thread."""
        self._pair: tuple[float, cv2.typing.MatLike, cv2.typing.MatLike] | None = None
        self._looked_at = -math.inf

    def see(self, frame: Image, picture: Image, time_s: float) -> None:
        """Look at a frame and its picture, if it is time to.

        Args:
            frame: `(H, W, 3) uint8 BGR`. Read, not kept.
            picture: `(H, W, 3) uint8 BGR`, what was made of it. Read, not kept.
            time_s: When the frame was taken.
        """
        before, self._pair = self._pair, None
        if before is not None and 0 < time_s - before[0] < _PAIR_S:
            self._compare(before[1:], (_sampled(frame), _sampled(picture)))
        elif not 0 <= time_s - self._looked_at < _LOOK_S:
            self._looked_at = time_s
            self._pair = (time_s, _sampled(frame), _sampled(picture))

    def _compare(
        self,
        before: tuple[cv2.typing.MatLike, cv2.typing.MatLike],
        now: tuple[cv2.typing.MatLike, cv2.typing.MatLike],
    ) -> None:
        if before[0].shape != now[0].shape:
            return
        still = cv2.absdiff(before[0], now[0]) <= _STILL
        if still.mean() < _ENOUGH:
            return
        change = float(cv2.absdiff(before[1], now[1])[still].mean())
        share = 1 - math.exp(-_LOOK_S / _SMOOTH_S)
        self.value = change if self.value is None else self.value + share * (change - self.value)


def _sampled(image: Image) -> cv2.typing.MatLike:
    step = max(1, min(image.shape[:2]) // _SIDE)
    return cv2.cvtColor(np.ascontiguousarray(image[::step, ::step]), cv2.COLOR_BGR2GRAY)
