"""How long the stages of one camera take."""

from __future__ import annotations

from hsi.runtime.recent_times import RecentTimes
from hsi.runtime.run_meter import RunMeter
from hsi.runtime.stage_times import StageTimes


class LaneTimes:
    """Notes each duration for the whole run, for the camera and for its last seconds.

    Args:
        run: Of the whole run.
    """

    def __init__(self, run: RunMeter) -> None:
        self._run = run
        self.all = StageTimes()
        self.recent = RecentTimes()

    def note(self, stage: str, seconds: float) -> None:
        """Note one duration of `capture` or `infer`."""
        self._run.times.add(stage, seconds)
        self._add(stage, seconds)

    def note_written(self, seconds: float) -> None:
        """Note that an output has written a frame in so long."""
        self._run.note_written(seconds)
        self._add("output", seconds)

    def note_shown(self, age_s: float) -> None:
        """Note that all outputs that will ever have a frame have it, so long after it came."""
        self._run.note_shown(age_s)
        self._add("end_to_end", age_s)

    def _add(self, stage: str, seconds: float) -> None:
        self.all.add(stage, seconds)
        self.recent.add(stage, seconds)
