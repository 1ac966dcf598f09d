"""Local cameras as a source, through OpenCV and Video4Linux."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np

from hsi.runtime.closing import Closing
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Frame
from hsi.runtime.source import SourceLost
from hsi.runtime.uri import query_of, scheme_of, size_from_text

_OPTIONS = {"size": "1280x720", "fps": "30", "fourcc": "MJPG"}
_RETRY_S = 0.01  # a camera that has no frame says so at once: do not spin on it


class CameraSource(Closing):
    """A camera of this machine. See :class:`hsi.runtime.source.Source`.

    Args:
        uri: `0`, `/dev/video0` or `v4l2:///dev/video0`, which may ask the driver for a mode:
            `v4l2:///dev/video0?size=1920x1080&fps=30&fourcc=MJPG`. The driver may choose another
            one; `size` and `fps` tell which.

    Raises:
        OptionError: The address is malformed.
        SourceError: The camera is not there, may not be used, or is in use.
    """

    live = True
    frame_count = None

    def __init__(self, uri: str) -> None:
        self.name = f"camera {uri}" if uri.isdecimal() else uri
        self._device = _device_of(uri)
        _check_device(self.name, self._device)
        self._capture = _capture_from(self._device)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"{self.name}: cannot open {self._device}: it is in use by another program, or "
                "is not a video capture device"
            )
        self._ask_for_mode(query_of(uri, allowed=_OPTIONS) if scheme_of(uri) else {})
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or None
        self.size = (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        self._opened = time.monotonic()
        self._number = 0

    def read(self, timeout_s: float) -> Frame | None:
        """Return the newest frame, or None. The driver may block for longer than the limit."""
        arrived, image = self._capture.read()
        if not arrived:
            if not os.path.exists(self._device):
                raise SourceLost(
                    f"{self.name}: {self._device} went away after {self._number} frames: "
                    "check the cable"
                )
            time.sleep(min(timeout_s, _RETRY_S))
            return None
        number = self._number
        self._number += 1
        return Frame(
            image=np.asarray(image, np.uint8),
            number=number,
            time_s=time.monotonic() - self._opened,
            source=self.name,
        )

    def close(self) -> None:
        """Give the camera back to the system."""
        self._capture.release()

    def _ask_for_mode(self, options: dict[str, str]) -> None:
        wanted: list[tuple[int, float]] = []
        if "fourcc" in options:
            # The format first: many cameras offer the large sizes in MJPG only.
            wanted.append((cv2.CAP_PROP_FOURCC, _fourcc_of(self.name, options["fourcc"])))
        if "size" in options:
            width, height = size_from_text(options["size"], of=f"the size in {self.name}")
            wanted += [(cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height)]
        if "fps" in options:
            wanted.append((cv2.CAP_PROP_FPS, _rate_of(self.name, options["fps"])))
        for setting, value in wanted:
            self._capture.set(setting, value)


def _device_of(uri: str) -> str:
    if uri.isdecimal():
        return f"/dev/video{int(uri)}"
    return urlsplit(uri).path if scheme_of(uri) else uri


def _capture_from(device: str) -> cv2.VideoCapture:
    if sys.platform == "linux":
        return cv2.VideoCapture(device, cv2.CAP_V4L2)
    # Elsewhere cameras are numbers, and OpenCV knows which interface the system has.
    return cv2.VideoCapture(int(device.removeprefix("/dev/video")), cv2.CAP_ANY)


def _check_device(name: str, device: str) -> None:
    if sys.platform != "linux":
        return
    if not os.path.exists(device):
        there = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*")))
        raise SourceError(
            f"{name}: there is no {device}, found {there or 'no camera at all'}: check the cable, "
            "or try without a camera: --source test://1280x720@30"
        )
    if not os.access(device, os.R_OK | os.W_OK):
        raise SourceError(
            f"{name}: no permission to use {device}: add this user to the group 'video'"
        )


def _fourcc_of(name: str, text: str) -> int:
    if len(text) != 4:
        raise OptionError(f"{name}: fourcc must be four letters such as MJPG, got {text!r}")
    return cv2.VideoWriter.fourcc(text[0], text[1], text[2], text[3])


def _rate_of(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1000:
        raise OptionError(f"{name}: fps must be a number up to 1000, got {text!r}")
    return value
