"""How long each stage took in the last seconds, and how often it ran."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Sequence

from hsi.runtime.stage_times import STAGES, StageSummary

WINDOW_S = 10.0
"""What is older does not count."""

_RATE_S = 3.0  # a rate is over so long
_KEPT = 600  # durations of a stage: ten seconds of sixty frames


class RecentTimes:
    """Latencies of the last ten seconds, or of the last 600 frames where those are fewer.

    Any thread writes and reads. Durations have the stages of
    :class:`hsi.runtime.stage_times.StageTimes`.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._stages = {stage: deque[tuple[float, float]](maxlen=_KEPT) for stage in STAGES}

    def add(self, stage: str, seconds: float) -> None:
        """Note one duration that ends now.

        Raises:
            KeyError: There is no such stage.
        """
        with self._changing:
            self._stages[stage].append((time.monotonic(), seconds * 1000))

    def summary(self) -> dict[str, StageSummary]:
        """Return what each stage took; one that did not run has zeros."""
        oldest = time.monotonic() - WINDOW_S
        return {
            stage: _summary(sorted(ms for at, ms in self._noted(stage) if at > oldest))
            for stage in STAGES
        }

    def rate_hz(self, stage: str) -> float:
        """Return how often a stage has run a second, over the last three."""
        now = time.monotonic()
        ends = [at for at, _ in self._noted(stage)]
        recent = [at for at in ends if at > now - _RATE_S]
        if not recent:
            return 0.0
        # Less is known where the deque or the run is shorter than the window.
        if len(recent) == len(ends):
            passed_s = now - recent[0]
            return (len(recent) - 1) / passed_s if passed_s > 0 else 0.0
        return len(recent) / _RATE_S

    def since_s(self, stage: str) -> float | None:
        """Return the seconds since a stage last ended; None where it never did."""
        ends = self._noted(stage)[-1:]
        return time.monotonic() - ends[0][0] if ends else None

    def _noted(self, stage: str) -> list[tuple[float, float]]:
        with self._changing:
            return list(self._stages[stage])


def _summary(durations_ms: Sequence[float]) -> StageSummary:
    """Summarise sorted durations."""
    count = len(durations_ms)
    p50_ms, p95_ms, p99_ms = (
        durations_ms[math.ceil(count * share) - 1] if count else 0.0 for share in (0.5, 0.95, 0.99)
    )
    mean_ms = sum(durations_ms) / count if count else 0.0
    return StageSummary(count=count, mean_ms=mean_ms, p50_ms=p50_ms, p95_ms=p95_ms, p99_ms=p99_ms)
