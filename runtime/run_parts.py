"""The parts of a running pipeline that others may look at."""

from __future__ import annotations

from dataclasses import dataclass

from hsi.runtime.event import EventLog
from hsi.runtime.lane import Lane
from hsi.runtime.run_meter import RunMeter
from hsi.runtime.supervisor import Supervisor


@dataclass(frozen=True, kw_only=True)
class RunningCamera:
    """One camera, or a row of files, while it plays."""

    name: str  # the address, without credentials; a second one of a name has its place behind
    lane: Lane
    supervisor: Supervisor


@dataclass(frozen=True, kw_only=True)
class RunParts:
    """What a running pipeline lets others look at. Each part is for any thread."""

    cameras: tuple[RunningCamera, ...]  # in the order of the feeds
    meter: RunMeter
    log: EventLog
