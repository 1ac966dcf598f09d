"""What is looked at in a running scene now and then: its drift, and frames worth keeping."""

from __future__ import annotations

from dataclasses import dataclass

from hsi.runtime.drift import EDGE, DriftGauge
from hsi.runtime.drift_reference import DriftReference, Vectors
from hsi.runtime.frame import Image
from hsi.runtime.frame_collector import FrameCollector

LOOK_S = 0.25
"""Seconds between two looks."""

_PAUSE_S = 2.0  # a longer one is a jump of the clock, or a source that was away


@dataclass(frozen=True, kw_only=True)
class DriftSummary:
    """How a run's scene lay to the calibration set: drift is 0 at a frame of it, 1 at its edge."""

    mean: float
    worst: float
    outside_share: float  # of the looks


class SceneWatch:
    """Looks at a frame now and then, in the thread that stylises them.

    Args:
        reference: What the running graph was calibrated on; None: the drift is not known.
        collector: Is offered frames outside the reference, or all where there is none.
    """

    def __init__(
        self, reference: DriftReference | None, collector: FrameCollector | None = None
    ) -> None:
        self._gauge = None if reference is None else DriftGauge(reference)
        self._collector = collector
        self._looked_at: float | None = None
        self._looks = self._looks_outside = 0
        self._total = self._worst = 0.0

    @property
    def drift(self) -> float | None:
        """The drift now, smoothed; None where it is not known. Any thread may ask."""
        return None if self._gauge is None else self._gauge.value

    def see(self, frame: Image, statistics: Vectors, time_s: float | None) -> None:
        """Look at a frame that has been stylised, if it is time to.

        Args:
            frame: `(H, W, 3) uint8 BGR`. Read, not kept.
            statistics: `(S,)`, those it was made with.
            time_s: When it was taken; None for a picture by itself, which is always looked at.
        """
        passed_s = LOOK_S
        if time_s is not None and self._looked_at is not None:
            since_s = time_s - self._looked_at
            if 0 <= since_s < LOOK_S:
                return
            passed_s = since_s if 0 < since_s < _PAUSE_S else LOOK_S
        self._looked_at = time_s
        outside = self._gauge is None or self._outside(self._gauge, frame, statistics, passed_s)
        if outside and self._collector is not None:
            self._collector.offer(frame)

    def summary(self) -> DriftSummary | None:
        """What the scene was like; None where that is not known."""
        if not self._looks:
            return None
        return DriftSummary(
            mean=self._total / self._looks,
            worst=self._worst,
            outside_share=self._looks_outside / self._looks,
        )

    def _outside(
        self, gauge: DriftGauge, frame: Image, statistics: Vectors, passed_s: float
    ) -> bool:
        drift = gauge.drift(frame, statistics)
        smoothed = gauge.follow(drift, passed_s)
        self._looks += 1
        self._looks_outside += smoothed >= EDGE
        self._total += smoothed
        self._worst = max(self._worst, smoothed)
        return drift >= EDGE
