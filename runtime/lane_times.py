"""How long the stages of one camera take, for its run and for itself."""

from __future__ import annotations

from hsi.runtime.recent_times import RecentTimes
from hsi.runtime.run_meter import RunMeter


class LaneTimes:
    """Notes each duration twice: for the whole run, and for the last seconds of one camera.

    Args:
        run: Of the whole run.
    """

    def __init__(self, run: RunMeter) -> None:
        self._run = run
        self.recent = RecentTimes()

    def note(self, stage: str, seconds: float) -> None:
        """Note one duration of `capture` or `infer`."""
        self._run.times.add(stage, seconds)
        self.recent.add(stage, seconds)

    def note_written(self, seconds: float) -> None:
        """Note that an output has written a frame in so long."""
        self._run.note_written(seconds)
        self.recent.add("output", seconds)

    def note_shown(self, age_s: float) -> None:
        """Note that all outputs that will ever have a frame have it, so long after it came."""
        self._run.note_shown(age_s)
        self.recent.add("end_to_end", age_s)
