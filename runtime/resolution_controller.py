"""How many pixels the network may see for a line to keep within its latency."""

from __future__ import annotations

from collections import deque
from statistics import median

STEPS = (1.0, 0.84, 0.71, 0.59, 0.5, 0.42, 0.35, 0.3, 0.25)
"""Shares of a side; each has 0.7 of the pixels of the one before."""

_OVERLOAD_S, _SAMPLES = 0.5, 3  # so much of time and of frames tells an overload from a hiccup
_WARMING = 3  # frames at the start, for which engines prepare
_SETTLING = 2  # frames after a step, which waited for those before it
_DOWN, _UP = 0.9, 0.8  # of the limit: what a step down shall reach, and a step up may
_PATIENCE_S, _LONGEST_S = 5.0, 80.0  # before a step up; twice as long after each that did not hold
_HELD_S = 10.0  # a step up that holds for so long was right


class ResolutionController:
    """Chooses the share of a frame's sides that the network sees.

    After half a second beyond the limit it steps down, at once as far as the pixels promise to
    suffice: the network's time is taken to be in proportion to them. After five good seconds it
    steps up by one, if that promises to stay well below the limit. A step up that has to be taken
    back within ten seconds doubles the wait for the next one.

    Args:
        limit_s: What the median latency shall stay below, in seconds.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._step = 0
        self._recent: deque[tuple[float, float]] = deque()  # (now, latency) since the last step
        self._settling = _WARMING
        self._stepped_at: float | None = None
        self._raised_at: float | None = None
        self._patience_s = _PATIENCE_S
        self.latency_s = 0.0
        """The median of the last second, or of the last one before a step."""

    @property
    def share(self) -> float:
        """Of a side, in (0, 1]."""
        return STEPS[self._step]

    def note(self, latency_s: float, now: float) -> bool:
        """Take the latency of a frame. Returns whether `share` has changed.

        Args:
            latency_s: From its arrival to its picture.
            now: Seconds of a clock that only goes on.
        """
        if self._settling:
            self._settling -= 1
            return False
        self._stepped_at = now if self._stepped_at is None else self._stepped_at
        self._recent.append((now, latency_s))
        while len(self._recent) > _SAMPLES and self._recent[0][0] < now - 2 * _OVERLOAD_S:
            self._recent.popleft()
        if len(self._recent) < _SAMPLES or now - self._recent[0][0] < _OVERLOAD_S:
            return False
        self.latency_s = median(latency for _, latency in self._recent)
        if self.latency_s > self.limit_s:
            return self._go(self._lower(), now)
        return now - self._stepped_at >= self._patience_s and self._go(self._higher(), now)

    def _lower(self) -> int:
        enough = _DOWN * self.limit_s
        below = range(self._step + 1, len(STEPS))
        return next((s for s in below if self._promised_s(s) <= enough), len(STEPS) - 1)

    def _higher(self) -> int:
        step = max(0, self._step - 1)
        return step if self._promised_s(step) <= _UP * self.limit_s else self._step

    def _promised_s(self, step: int) -> float:
        return self.latency_s * (STEPS[step] / self.share) ** 2

    def _go(self, step: int, now: float) -> bool:
        if step == self._step:
            return False
        if step < self._step:
            self._raised_at = now
        elif self._raised_at is not None:
            held = now - self._raised_at >= _HELD_S
            self._patience_s = _PATIENCE_S if held else min(2 * self._patience_s, _LONGEST_S)
            self._raised_at = None
        self._step, self._stepped_at = step, now
        self._recent.clear()
        self._settling = _SETTLING
        return True
