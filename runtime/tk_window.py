"""A window through Tk, for an OpenCV that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from hsi.runtime.frame import Image
from hsi.runtime.output import NoWindow

if TYPE_CHECKING:
    import tkinter

_SCREEN_SHARE = 0.9  # of each side: the rest is for the title bar and the desktop's own bars


class TkWindow:
    """A window of the standard library's Tk; `q`, Escape or its button closes it.

    A 1280x720 picture takes 7 to 13 ms (medians) until an X server on the same machine has it,
    measured on two busy cores; the network's thread computes meanwhile.

    Tk belongs to one thread: open, show and close in the same one.

    Args:
        name: The title, and how errors call it.

    Raises:
        NoWindow: Python has no tkinter here, or Tk cannot reach a screen.
    """

    def __init__(self, name: str) -> None:
        try:
            import tkinter
        except ImportError as error:
            raise NoWindow(
                name,
                "neither this OpenCV (opencv-python-headless) nor this Python (no tkinter) has "
                "windows (on Debian, apt install python3-tk adds them)",
            ) from error
        try:
            root = tkinter.Tk()
        except tkinter.TclError as error:
            raise NoWindow(name, f"Tk cannot open one ({error})") from error
        root.title(name)
        root.resizable(False, False)
        for key in ("<q>", "<Escape>"):
            root.bind(key, self._note_closed)
        root.protocol("WM_DELETE_WINDOW", self._note_closed)
        self._photo: tkinter.PhotoImage | None = tkinter.PhotoImage(master=root)
        tkinter.Label(root, image=self._photo, borderwidth=0).pack()
        self._room = tuple(
            int(side * _SCREEN_SHARE)
            for side in (root.winfo_screenwidth(), root.winfo_screenheight())
        )
        self._root: tkinter.Tk | None = root
        self._closed = False

    def show(self, image: Image) -> bool:
        """Show the image, shrunk to the screen. Returns whether the window is still open."""
        if self._root is not None and self._photo is not None and not self._closed:
            self._photo.configure(data=_ppm_from(fitted(image, self._room)), format="ppm")
            self._root.update()
        return not self._closed

    def close(self) -> None:
        """Take the window away. Closing twice is fine."""
        if self._root is not None:
            self._root.destroy()
        # Forgotten in this thread: Tk ends the process when another one collects what is left.
        self._root = self._photo = None

    def _note_closed(self, event: object = None) -> None:
        self._closed = True


def fitted(image: Image, room: tuple[int, ...]) -> Image:
    """Return the image, shrunk in its own proportions where it does not fit.

    Args:
        image: `(H, W, 3)` uint8.
        room: `(width, height)` in pixels.
    """
    height, width = image.shape[:2]
    scale = min(room[0] / width, room[1] / height)
    if scale >= 1:
        return image
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _ppm_from(image: Image) -> bytes:
    height, width = image.shape[:2]
    return b"P6 %d %d 255\n" % (width, height) + cv2.cvtColor(image, cv2.COLOR_BGR2RGB).tobytes()
