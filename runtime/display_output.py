"""A window on the screen, through OpenCV's highgui."""

from __future__ import annotations

import os
import re
import sys
from types import TracebackType

import cv2

from hsi.runtime.errors import OutputError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import ViewerClosed

_INSTEAD = "write a file instead, such as -o out.mp4"
_QUIT_KEYS = (ord("q"), 27)  # q and Escape


class DisplayOutput:
    """A window that shows every frame; `q`, Escape or closing it ends the run.

    Use it from the thread that opened it. See :class:`hsi.runtime.output.Output`.

    Raises:
        OutputError: This OpenCV has no windows, or there is no screen.
    """

    def __init__(self, uri: str) -> None:
        self.name = uri
        _check_windows(uri)
        try:
            cv2.namedWindow(self.name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        except cv2.error as error:
            raise OutputError(f"{uri}: cannot open a window: {_INSTEAD}") from error
        self._size: tuple[int, int] | None = None

    def write(self, frame: Frame, image: Image) -> None:
        """Show the image, in a window that takes its size."""
        height, width = image.shape[:2]
        if self._size != (width, height):
            self._size = (width, height)
            cv2.resizeWindow(self.name, width, height)
        cv2.imshow(self.name, image)
        if cv2.pollKey() & 0xFF in _QUIT_KEYS or self._is_closed():
            raise ViewerClosed(self.name)

    def __enter__(self) -> DisplayOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_closed():
            cv2.destroyWindow(self.name)

    def _is_closed(self) -> bool:
        return bool(cv2.getWindowProperty(self.name, cv2.WND_PROP_VISIBLE) < 1)


def _check_windows(name: str) -> None:
    if re.search(r"GUI:\s+NONE", cv2.getBuildInformation()):
        raise OutputError(
            f"{name}: this OpenCV is opencv-python-headless, which has no windows: {_INSTEAD}, or "
            "run: pip uninstall -y opencv-python-headless && pip install opencv-python"
        )
    # Without a screen Qt does not raise, it ends the whole process: so look first.
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise OutputError(f"{name}: there is no screen (DISPLAY is not set): {_INSTEAD}")
