"""How long each stage of the pipeline takes, in bounded memory."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

STAGES = ("capture", "infer", "output", "end_to_end")

_SMALLEST_MS = 1e-3
_GROWTH = math.log(1.01)  # each bucket is 1 % wider than the one before
_BUCKETS = 2100  # up to twenty minutes


@dataclass(frozen=True, kw_only=True)
class StageSummary:
    """The latency of one stage, over a whole run or its last seconds."""

    count: int
    mean_ms: float  # exact
    p50_ms: float  # within 1 %
    p95_ms: float  # within 1 %
    p99_ms: float  # within 1 %


@dataclass(frozen=True, kw_only=True)
class StageBuckets:
    """How often a stage took up to each of some bounds."""

    at_most: tuple[int, ...]  # within 1 % of the bound, and growing
    count: int
    total_ms: float


class StageTimes:
    """Latencies of the stages of a run.

    `capture` is reading and decoding, and for a live source also waiting for it; `infer` is the
    network; `output` is encoding and writing; `end_to_end` runs from the moment a frame was
    captured to the moment all outputs have it. Any thread writes and reads.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._stages = {stage: _Histogram() for stage in STAGES}

    def add(self, stage: str, seconds: float) -> None:
        """Note one duration.

        Raises:
            KeyError: There is no such stage.
        """
        with self._changing:
            self._stages[stage].add(seconds * 1000)

    def summary(self) -> dict[str, StageSummary]:
        """Return what each stage took; a stage that never ran has zeros."""
        return {stage: times.summary() for stage, times in self._stages.items()}

    def buckets(self, bounds_ms: Sequence[float]) -> dict[str, StageBuckets]:
        """Return how often each stage took up to each bound.

        Args:
            bounds_ms: Growing.
        """
        with self._changing:
            return {stage: times.buckets(bounds_ms) for stage, times in self._stages.items()}


class _Histogram:
    """Counts in buckets that grow by 1 %: exact enough for a percentile, however long the run."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._count = 0
        self._total_ms = 0.0

    def add(self, value_ms: float) -> None:
        self._counts[_bucket_of(value_ms)] += 1
        self._total_ms += value_ms
        self._count += 1

    def summary(self) -> StageSummary:
        count = self._count
        return StageSummary(
            count=count,
            mean_ms=self._total_ms / count if count else 0.0,
            p50_ms=self._percentile(0.50),
            p95_ms=self._percentile(0.95),
            p99_ms=self._percentile(0.99),
        )

    def buckets(self, bounds_ms: Sequence[float]) -> StageBuckets:
        running = list(accumulate(self._counts))
        return StageBuckets(
            at_most=tuple(running[_bucket_of(bound_ms)] for bound_ms in bounds_ms),
            count=self._count,
            total_ms=self._total_ms,
        )

    def _percentile(self, share: float) -> float:
        wanted = math.ceil(self._count * share)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return _SMALLEST_MS * math.exp((bucket + 0.5) * _GROWTH)
        return 0.0


def _bucket_of(value_ms: float) -> int:
    bucket = int(math.log(max(value_ms, _SMALLEST_MS) / _SMALLEST_MS) / _GROWTH)
    return min(bucket, _BUCKETS - 1)
