"""A window on the screen, through OpenCV's highgui or, where that has no windows, through Tk."""

from __future__ import annotations

import os
import re
import sys
from types import TracebackType
from typing import Protocol

import cv2

from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import NoWindow, ViewerClosed

_QUIT_KEYS = (ord("q"), 27)  # q and Escape


class DisplayOutput:
    """A window that shows every frame; `q`, Escape or closing it ends the run.

    Use it from the thread that opened it. See :class:`hsi.runtime.output.Output`.

    Raises:
        NoWindow: There is no screen, or no library here that can open a window.
    """

    thread_bound = True

    def __init__(self, uri: str) -> None:
        self.name = uri
        self._window = _open_window(uri)

    def write(self, frame: Frame, image: Image) -> None:
        """Show the image, in a window that takes its size."""
        if not self._window.show(image):
            raise ViewerClosed(self.name)

    def __enter__(self) -> DisplayOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._window.close()


class _Window(Protocol):
    def show(self, image: Image) -> bool:
        """Show the image. Returns whether the window is still open."""

    def close(self) -> None: ...


class _OpenCvWindow:
    def __init__(self, name: str) -> None:
        self._name = name
        try:
            cv2.namedWindow(name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        except cv2.error as error:
            raise NoWindow(name, "OpenCV cannot open one") from error
        self._size: tuple[int, int] | None = None

    def show(self, image: Image) -> bool:
        height, width = image.shape[:2]
        if self._size != (width, height):
            self._size = (width, height)
            cv2.resizeWindow(self._name, width, height)
        cv2.imshow(self._name, image)
        return cv2.pollKey() & 0xFF not in _QUIT_KEYS and not self._is_closed()

    def close(self) -> None:
        if not self._is_closed():
            cv2.destroyWindow(self._name)

    def _is_closed(self) -> bool:
        return bool(cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) < 1)


def _open_window(name: str) -> _Window:
    # Without a screen Qt does not raise, it ends the whole process: so look first.
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise NoWindow(name, "there is no screen (DISPLAY is not set)")
    if not re.search(r"GUI:\s+NONE", cv2.getBuildInformation()):
        return _OpenCvWindow(name)
    from hsi.runtime.tk_window import TkWindow

    return TkWindow(name)
