"""Output buffers that are used again, so that no frame pays for fresh memory."""

from __future__ import annotations

import threading
from typing import Protocol

import numpy as np

from hsi.runtime.frame import Frame, Image


class StylizesInto(Protocol):
    """A stylizer that can write into a caller's buffer, such as `hsi.runtime.Stream.play`."""

    def __call__(self, frame: Frame, *, out: Image | None = None) -> Image:
        """Return the styled frame, in `out` where given."""


class BufferPool:
    """Calls a stylizer with buffers that come back when nobody reads them any more.

    Args:
        stylizer: What fills the buffers.
    """

    def __init__(self, stylizer: StylizesInto) -> None:
        self._stylizer = stylizer
        self._free: list[Image] = []
        self._changing = threading.Lock()

    def __call__(self, frame: Frame) -> Image:
        """Return the styled frame in a buffer of the pool.

        Args:
            frame: Read, never written.

        Returns:
            `(H, W, 3)` uint8 BGR, the caller's until `give_back`.
        """
        return self._stylizer(frame, out=self._lent(frame.image.shape))

    def give_back(self, image: Image) -> None:
        """Take a result back. Its buffer is written again by a later call."""
        with self._changing:
            self._free.append(image)

    def _lent(self, shape: tuple[int, ...]) -> Image:
        with self._changing:
            # Buffers of an earlier size have no use any more.
            self._free = [buffer for buffer in self._free if buffer.shape == shape]
            return self._free.pop() if self._free else np.empty(shape, np.uint8)
