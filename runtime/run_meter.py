"""The counters and clocks of one run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping

from hsi.runtime.account import Account, Cause
from hsi.runtime.event import EventLog
from hsi.runtime.run_summary import CameraSummary, Progress, RunSummary
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
        self._changing = threading.Lock()
        self._shown = 0
        self._shown_at = self.started_at
        self._sources: list[str] = []
        self._live = False
        self._marks: deque[tuple[float, int]] = deque([(self.started_at, 0)], maxlen=_FPS_WINDOW)

    def note_source(self, source: Source) -> None:
        """Note that a source is being read."""
        if source.name not in self._sources or not source.live:
            self._sources.append(source.name)
        self._live = self._live or source.live

    def note_written(self, seconds: float) -> None:
        """Note that an output has written a frame in so long."""
        self.times.add("output", seconds)

    def note_shown(self, age_s: float) -> None:
        """Note that all outputs that will ever have a frame have it, so long after it came."""
        self.times.add("end_to_end", age_s)
        with self._changing:
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
        self,
        *,
        outputs: tuple[str, ...],
        accounts: Mapping[str, Account],
        log: EventLog,
        stopped: bool,
    ) -> RunSummary:
        """Return what the run did.

        Args:
            outputs: Their names.
            accounts: Closed ones, by the name of their camera.
            log: What happened.
            stopped: Whether it was ended from outside.
        """
        elapsed_s = self._shown_at - self.started_at
        stages = self.times.summary()
        overhead_ms = None
        if self._shown and not self._live:
            overhead_ms = elapsed_s * 1000 / self._shown - stages["infer"].mean_ms
        cameras = {name: CameraSummary.of(account) for name, account in accounts.items()}
        return RunSummary(
            sources=tuple(self._sources),
            outputs=outputs,
            captured=sum(camera.captured for camera in cameras.values()),
            shown=sum(camera.shown for camera in cameras.values()),
            dropped={
                cause.value: sum(camera.dropped[cause.value] for camera in cameras.values())
                for cause in Cause
            },
            cameras=cameras,
            elapsed_s=elapsed_s,
            fps=self._shown / elapsed_s if elapsed_s > 0 else 0.0,
            overhead_ms=overhead_ms,
            stages=stages,
            events=log.events,
            event_counts=log.counts,
            stopped=stopped,
        )
