"""One picture on its way to several outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hsi.runtime.frame import Frame, Image


class Delivery:
    """A picture that several outputs read, each in its own time.

    Args:
        frame: The frame that the picture was made from.
        image: `(H, W, 3)` uint8 BGR. Not written while the delivery is under way.
        holders: How many will `settle` it.
        done: Called once, when the last of them has.
        free: Called once with the image, when nobody reads it any more; None: nothing is.
    """

    def __init__(
        self,
        frame: Frame,
        image: Image,
        *,
        holders: int,
        done: Callable[[Delivery], None],
        free: Callable[[Image], None] | None = None,
    ) -> None:
        self.frame = frame
        self.image = image
        self.written = 0  # how many outputs have it
        self.failed = 0  # how many could not take it
        self._holders = holders
        self._done = done
        self._readers = 1  # the holders together, and who looks on
        self._free = free
        self._changing = threading.Lock()

    def settle(self, *, written: bool = False, failed: bool = False) -> None:
        """Say, as one of the holders, that the picture is not needed any more."""
        with self._changing:
            self.written += written
            self.failed += failed
            self._holders -= 1
            last = self._holders == 0
        if last:
            self._done(self)
            self.release()

    def keep(self) -> None:
        """Read the image for longer than the holders do, who do not wait for that."""
        with self._changing:
            self._readers += 1

    def release(self) -> None:
        """End what `keep` began."""
        with self._changing:
            self._readers -= 1
            unread = self._readers == 0
        if unread and self._free is not None:
            self._free(self.image)
