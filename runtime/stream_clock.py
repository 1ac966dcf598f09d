"""One line of time through the frames of several sources."""

from __future__ import annotations

from hsi.runtime.frame import Frame


class StreamClock:
    """Gives successive frames a time that starts at 0 and only grows.

    Within a source the distances between frames stay what they were, so a variable frame rate
    survives. The next source goes on one frame period after the last one.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._offset_s = 0.0
        self._source: str | None = None
        self._time_s = 0.0

    def at(self, frame: Frame) -> float:
        """Return the time of the next frame in seconds. Call it once per frame, in order."""
        if self._source is None:
            self._offset_s = -frame.time_s
        elif frame.source != self._source or frame.time_s <= self._time_s:
            # Another source, or one whose clock jumped back (a looped or repaired stream).
            self._offset_s += self._time_s + self._period_s - frame.time_s
        self._source, self._time_s = frame.source, frame.time_s
        return frame.time_s + self._offset_s
