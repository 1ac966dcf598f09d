"""Lets the network see fewer pixels of a camera where its frames take too long, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable

from hsi.runtime.event import EventKind
from hsi.runtime.frame import Frame
from hsi.runtime.resolution_controller import ResolutionController


class Pace:
    """Looks at how old each frame is when its picture is made.

    Args:
        limit_s: What that shall stay below; None: whatever it is.
        set_resolution: Given the share of the sides that the network shall see; None: it cannot.
        tell: Given every step and its cause.
    """

    def __init__(
        self,
        limit_s: float | None,
        set_resolution: Callable[[float], None] | None,
        tell: Callable[[EventKind, str], None],
    ) -> None:
        self._controller = None if limit_s is None else ResolutionController(limit_s)
        self._set_resolution = set_resolution
        self._tell = tell

    def note(self, frame: Frame) -> None:
        """Take a frame whose picture has just been made."""
        controller = self._controller
        if controller is None or self._set_resolution is None:
            return
        before = controller.share
        if not controller.note(frame.age_s(), time.monotonic()):
            return
        self._set_resolution(controller.share)
        lowered = controller.share < before
        kind = EventKind.RESOLUTION_LOWERED if lowered else EventKind.RESOLUTION_RAISED
        latency_ms, limit_ms = controller.latency_s * 1000, controller.limit_s * 1000
        sides = f"from {before:.0%} to {controller.share:.0%} of the sides"
        self._tell(kind, f"{sides}: {latency_ms:.0f} ms at a limit of {limit_ms:g} ms")
