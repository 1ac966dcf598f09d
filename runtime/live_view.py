"""The newest picture of a camera, for whoever looks."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from hsi.runtime.delivery import Delivery
from hsi.runtime.frame import Frame, Image


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A frame and what became of it."""

    place: int  # counts what outputs got, from 1
    frame: Frame  # `frame.image` is the input, `(H, W, 3) uint8 BGR`; never written
    image: Image  # the output, `(H, W, 3) uint8 BGR`; a copy of the reader's own


class LiveView:
    """A mailbox of one between a lane and its viewers, of whom there may be none.

    The lane never waits and never copies: a viewer copies the picture in a thread of its own. Until
    somebody has asked once, nothing is kept.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked = False
        self._place = 0
        self._newest: Delivery | None = None

    def show(self, delivery: Delivery) -> None:
        """Take a picture in place of the one before. For the lane."""
        with self._changed:
            self._place += 1
            if not self._asked:
                return
            delivery.keep()
            before, self._newest = self._newest, delivery
            self._changed.notify_all()
        if before is not None:
            before.release()

    def newest(self, *, after: int = 0, timeout_s: float) -> Shown | None:
        """Return the newest picture, or None when there was none in time.

        Args:
            after: Wait for one of a later `place` than this.
            timeout_s: For so long.
        """
        with self._changed:
            self._asked = True
            self._changed.wait_for(lambda: self._has_newer(after), timeout_s)
            newest, place = self._newest, self._place
            if newest is None or not self._has_newer(after):
                return None
            newest.keep()
        try:
            return Shown(place=place, frame=newest.frame, image=newest.image.copy())
        finally:
            newest.release()

    def _has_newer(self, after: int) -> bool:
        return self._newest is not None and self._place > after
