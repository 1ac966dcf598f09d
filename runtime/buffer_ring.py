"""Output buffers that go round, so that no frame pays for fresh memory."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hsi.runtime.frame import Frame, Image


class StylizesInto(Protocol):
    """A stylizer that can write into a caller's buffer, such as `hsi.runtime.Stream.play`."""

    def __call__(self, frame: Frame, *, out: Image | None = None) -> Image:
        """Return the styled frame, in `out` where given."""


class BufferRing:
    """Calls a stylizer with buffers that are used again.

    A result stays valid for the next `slots - 1` calls. The pipeline holds at most
    `pipeline.RING_SLOTS` results at once (one being written by the outputs, those in the queue
    before them, one being made), so a ring of that many never overwrites a frame in use.

    Args:
        stylizer: What fills the buffers.
        slots: How many buffers go round, at least 1.
    """

    def __init__(self, stylizer: StylizesInto, *, slots: int) -> None:
        self._stylizer = stylizer
        self._slots = slots
        self._buffers: list[Image] = []
        self._next = 0

    def __call__(self, frame: Frame) -> Image:
        """Return the styled frame in one of the ring's buffers.

        Args:
            frame: Read, never written.

        Returns:
            `(H, W, 3)` uint8 BGR, valid for the next `slots - 1` calls.
        """
        if not self._buffers or self._buffers[0].shape != frame.image.shape:
            # Results of the old size may still wait to be written: leave those buffers to them.
            self._buffers = [np.empty(frame.image.shape, np.uint8) for _ in range(self._slots)]
            self._next = 0
        buffer = self._buffers[self._next]
        self._next = (self._next + 1) % self._slots
        return self._stylizer(frame, out=buffer)
