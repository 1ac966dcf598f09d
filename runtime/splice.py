"""One line of numbers and times through all the connections to a camera."""

from __future__ import annotations

from dataclasses import replace

from hsi.runtime.frame import Frame
from hsi.runtime.source import Source


class Splice:
    """Joins what a camera gave before and after an outage.

    Each connection counts its frames from 0 and its time from its own beginning. Here numbers go
    on, and so does time, through the outage.
    """

    def __init__(self) -> None:
        self._source: Source | None = None
        self._first_number = 0
        self._shift_s = 0.0
        self._last: Frame | None = None
        self._last_at = 0.0

    def joined(self, frame: Frame, source: Source, now: float) -> Frame:
        """Return the frame with its number and time in the whole line.

        Args:
            frame: The next frame.
            source: The connection that gave it.
            now: When it came, by `time.monotonic()`.
        """
        last = self._last
        if source is not self._source:
            self._source = source
            if last is not None:
                self._first_number = last.number + 1 - frame.number
                self._shift_s = last.time_s + (now - self._last_at) - frame.time_s
        if last is not None:
            frame = replace(
                frame,
                number=frame.number + self._first_number,
                time_s=frame.time_s + self._shift_s,
            )
        self._last, self._last_at = frame, now
        return frame
