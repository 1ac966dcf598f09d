"""The counters and clocks of one run."""

from __future__ import annotations

import time
from collections import deque

from hsi.runtime.run_summary import Progress, RunSummary
from hsi.runtime.source import Source
from hsi.runtime.stage_times import StageTimes

_FPS_WINDOW = 8  # progress reports that the current rate is taken over


class RunMeter:
    """Counts what a run does, and puts it into words for progress and summary.

    Args:
        expected: Frames there will be in all, or None.
        progress_s: Seconds between two progress reports.
    """

    def __init__(self, *, expected: int | None, progress_s: float) -> None:
        self.times = StageTimes()
        self.started_at = time.monotonic()
        self._expected = expected
        self._progress_s = progress_s
        self._shown = 0
        self._shown_at = self.started_at
        self._sources: list[str] = []
        self._live = False
        self._marks: deque[tuple[float, int]] = deque([(self.started_at, 0)], maxlen=_FPS_WINDOW)

    def note_source(self, source: Source) -> None:
        """Note that a source is being read."""
        self._sources.append(source.name)
        self._live = self._live or source.live

    def note_shown(self) -> None:
        """Note that all outputs have one more frame."""
        self._shown += 1
        self._shown_at = time.monotonic()

    def due_progress(self, *, dropped: int) -> Progress | None:
        """Return where the run stands if it is time for a report, else None."""
        now = time.monotonic()
        if now - self._marks[-1][0] < self._progress_s:
            return None
        then, shown_then = self._marks[0]
        fps = (self._shown - shown_then) / (now - then)
        self._marks.append((now, self._shown))
        left = None if self._expected is None else max(0, self._expected - self._shown)
        return Progress(
            shown=self._shown,
            dropped=dropped,
            expected=self._expected,
            elapsed_s=now - self.started_at,
            fps=fps,
            left_s=left / fps if left is not None and fps > 0 else None,
            stages=self.times.summary(),
        )

    def summary(
        self, *, outputs: tuple[str, ...], captured: int, newer: int, stopped: bool
    ) -> RunSummary:
        """Return what the run did; what was captured and not shown or replaced was stopped."""
        elapsed_s = self._shown_at - self.started_at
        stages = self.times.summary()
        overhead_ms = None
        if self._shown and not self._live:
            overhead_ms = elapsed_s * 1000 / self._shown - stages["infer"].mean_ms
        return RunSummary(
            sources=tuple(self._sources),
            outputs=outputs,
            captured=captured,
            shown=self._shown,
            dropped={"newer": newer, "stopped": captured - newer - self._shown},
            elapsed_s=elapsed_s,
            fps=self._shown / elapsed_s if elapsed_s > 0 else 0.0,
            overhead_ms=overhead_ms,
            stages=stages,
            stopped=stopped,
        )
