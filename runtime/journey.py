"""Where one frame has been, and when."""

from __future__ import annotations

import logging
import time
from typing import Protocol

logger = logging.getLogger(__name__)


class Journey(Protocol):
    """Is told what happens to a frame on its way."""

    def mark(self, place: str) -> None:
        """Note that the frame is at a place now."""

    def end(self, how: str) -> None:
        """Note that the frame has been shown or dropped."""


class LoggedJourney:
    """Logs the way of a frame at its end: `passed_ms` are milliseconds since the frame came.

    Args:
        camera: Its name.
        number: Of the frame at its source.
    """

    def __init__(self, camera: str, number: int) -> None:
        self._camera = camera
        self._number = number
        self._begun = time.monotonic()
        self._passed_ms: dict[str, float] = {}

    def mark(self, place: str) -> None:
        """See :class:`Journey`."""
        self._passed_ms[place] = round((time.monotonic() - self._begun) * 1000, 3)

    def end(self, how: str) -> None:
        """See :class:`Journey`."""
        self.mark(how)
        told = {
            "camera": self._camera,
            "number": self._number,
            "end": how,
            "passed_ms": self._passed_ms,
        }
        way = ", ".join(f"{place} {ms:.1f}" for place, ms in self._passed_ms.items())
        text = "%s: frame %d, milliseconds since it came: %s"
        logger.info(text, self._camera, self._number, way, extra={"told": {"frame": told}})


class _NoJourney:
    def mark(self, place: str) -> None:
        pass

    def end(self, how: str) -> None:
        pass


NO_JOURNEY: Journey = _NoJourney()
"""Of a frame that nobody asked about."""


def journey_of(camera: str, number: int, *, every: int | None) -> Journey:
    """Return the journey of a frame, of which every so many-th is logged; None: none is."""
    return LoggedJourney(camera, number) if every and number % every == 0 else NO_JOURNEY
