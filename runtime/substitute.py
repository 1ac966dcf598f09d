"""What outputs get while there is no new picture in the style."""

from __future__ import annotations

import threading
from dataclasses import replace

import cv2
import numpy as np

from hsi.runtime.frame import Frame, Image
from hsi.runtime.run_options import OnFault

_GREY = 64
_MARGIN = 0.25  # of the caption's height, around it


class Substitute:
    """Makes pictures that nobody takes for live and stylised: each has a caption that says so.

    Args:
        on_fault: Which picture: the last stylised one, the last frame itself, or plain grey.
    """

    def __init__(self, on_fault: OnFault) -> None:
        self._on_fault = on_fault
        self._frame: Frame | None = None  # the last one that was stylised
        self._image: Image | None = None  # what it was made into
        self._changing = threading.Lock()

    def remember(self, frame: Frame, image: Image) -> None:
        """Take note of a good picture.

        Args:
            frame: Kept.
            image: `(H, W, 3)` uint8 BGR. Copied where it will be needed.
        """
        kept = image.copy() if self._on_fault is OnFault.HOLD else None
        with self._changing:
            self._frame, self._image = frame, kept

    def repeat(self, why: str, *, time_s: float | None = None) -> tuple[Frame, Image] | None:
        """Return what stands in for the next picture, or None before the first good one.

        Args:
            why: What is wrong, for the caption.
            time_s: The time of the frame that it stands for; None where no frame came.
        """
        with self._changing:
            frame, image = self._frame, self._image
        if frame is None:
            return None
        age_s = frame.age_s()
        repeated = replace(
            frame,
            time_s=frame.time_s + age_s if time_s is None else time_s,
            stylised=self._on_fault is OnFault.HOLD,
            repeated=True,
        )
        return repeated, captioned(self._picture(frame, image), f"{why}: {age_s:.0f} s old")

    def _picture(self, frame: Frame, image: Image | None) -> Image:
        if self._on_fault is OnFault.PATTERN:
            return np.full_like(frame.image, _GREY)
        return frame.image if image is None else image


def captioned(image: Image, text: str) -> Image:
    """Return a copy with a line of text on a black band at the bottom.

    Args:
        image: `(H, W, 3)` uint8 BGR. Not written.
        text: ASCII; made as large as the width allows, up to a sixteenth of the height.
    """
    found = image.copy()
    height, width = image.shape[:2]
    (text_width, text_height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)
    scale = min(height / 16 / text_height, width * 0.95 / text_width)
    line = max(1, round(text_height * scale))
    band = min(height, round(line * (1 + 4 * _MARGIN)))
    found[height - band :] = 0
    place = (round(width * 0.025), height - round(line * 2 * _MARGIN))
    white = (255, 255, 255)
    cv2.putText(found, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, white, 1, cv2.LINE_AA)
    return found
