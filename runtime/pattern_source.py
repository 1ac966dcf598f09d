"""A moving test pattern: a camera for machines that have none."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import cv2
import numpy as np

from hsi.runtime.closing import Closing
from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.source import EndOfStream
from hsi.runtime.uri import query_of, redact, size_from_text

_OPTIONS = {"frames": "300", "realtime": "0"}
_BARS_BGR = (
    (191, 191, 191), (0, 191, 191), (191, 191, 0), (0, 191, 0),
    (191, 0, 191), (0, 0, 191), (191, 0, 0),
)  # fmt: skip


class PatternSource(Closing):
    """Colour bars, a grey ramp, a bouncing ball and a clock.

    The address is `test://1280x720@30?frames=300&realtime=0`, where every part may be left out.
    Frames come in real time, as from a camera, and then the source is live; `realtime=0` gives
    them as fast as they are read. See :class:`hsi.runtime.source.Source`.

    Raises:
        OptionError: A part of the address is malformed.
    """

    def __init__(self, uri: str) -> None:
        self.name = redact(uri)
        self.size, self.fps = _shape_of(uri)
        options = query_of(uri, allowed=_OPTIONS)
        self.live = _flag(options.get("realtime", "1"), uri)
        self.frame_count = _count(options["frames"], uri) if "frames" in options else None
        self._background = _background(*self.size)
        self._number = 0
        self._started: float | None = None

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame when its moment has come, or None before that."""
        if self.frame_count is not None and self._number >= self.frame_count:
            raise EndOfStream(self.name)
        time_s = self._number / self.fps
        if self.live and not self._wait_until(time_s, timeout_s):
            return None
        image = _drawn(self._background, self._number, time_s)
        frame = Frame(image=image, number=self._number, time_s=time_s, source=self.name)
        self._number += 1
        return frame

    def close(self) -> None:
        """Nothing to give back."""

    def _wait_until(self, time_s: float, timeout_s: float) -> bool:
        now = time.monotonic()
        if self._started is None:
            # The clock starts with the first read: loading a model is not the pattern's time.
            self._started = now
        wait_s = self._started + time_s - now
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        return wait_s <= timeout_s


def _shape_of(uri: str) -> tuple[tuple[int, int], float]:
    netloc = urlsplit(uri).netloc
    found = re.fullmatch(r"([^@]*)(?:@(\d+(?:\.\d+)?))?", netloc)
    if found is None:
        raise OptionError(f"{redact(uri)}: expected test://WIDTHxHEIGHT@FPS, got {netloc!r}")
    size = size_from_text(found[1] or "1280x720", of=f"the size in {redact(uri)}")
    fps = float(found[2] or 30)
    if not 0 < fps <= 1000:
        raise OptionError(f"{redact(uri)}: frames a second must be up to 1000, got {fps:g}")
    return size, fps


def _flag(text: str, uri: str) -> bool:
    if text not in ("0", "1"):
        raise OptionError(f"{redact(uri)}: realtime must be 0 or 1, got {text!r}")
    return text == "1"


def _count(text: str, uri: str) -> int:
    if not text.isdecimal() or not int(text):
        raise OptionError(f"{redact(uri)}: frames must be a positive whole number, got {text!r}")
    return int(text)


def _background(width: int, height: int) -> Image:
    image = np.empty((height, width, 3), np.uint8)
    edges = np.linspace(0, width, len(_BARS_BGR) + 1).astype(int)
    for left, right, colour in zip(edges, edges[1:], _BARS_BGR, strict=False):
        image[:, left:right] = colour
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    image[height * 3 // 4 :] = ramp[None, :, None]
    return image


def _bounce(step: float, limit: int) -> int:
    """Return a position that runs from 0 to `limit` and back."""
    return round(abs((step + limit) % (2 * limit) - limit)) if limit > 0 else 0


def _drawn(background: Image, number: int, time_s: float) -> Image:
    image = background.copy()
    height, width = image.shape[:2]
    radius = max(1, min(width, height) // 10)
    x = radius + _bounce(time_s * width / 3, width - 2 * radius)
    y = radius + _bounce(time_s * height / 2, height - 2 * radius)
    cv2.circle(image, (x, y), radius, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(image, (x, y), radius * 2 // 3, (40, 80, 240), cv2.FILLED, cv2.LINE_AA)
    scale = min(height / 360, width / 480)
    place = (round(8 * scale), height - round(12 * scale))
    text = f"{number:06d}  {time_s:8.3f} s"
    for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
        weight = max(1, round(thickness * scale))
        cv2.putText(
            image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, weight, cv2.LINE_AA
        )
    return image
