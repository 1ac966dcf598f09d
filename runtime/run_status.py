"""What a run looks like at one moment."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hsi.runtime.camera_state import CameraState
from hsi.runtime.event import Event
from hsi.runtime.look import Look
from hsi.runtime.stage_times import StageSummary


@dataclass(frozen=True, kw_only=True)
class CameraStatus:
    """One camera, or a row of files."""

    name: str  # the address, without credentials
    state: CameraState
    size: tuple[int, int] | None  # (width, height) of the last frame; None before the first
    captured: int  # frames that came, damaged ones too
    shown: int  # frames that an output has
    unstylised: int  # of those shown, how many were the frame itself
    repeated: int  # pictures shown in place of new ones; they are no captured frames
    dropped: dict[str, int]  # by cause, see `hsi.runtime.account.Cause`
    waiting: int  # captured, and neither shown nor dropped yet
    captured_fps: float  # frames a second, over the last three
    shown_fps: float
    stages: dict[str, StageSummary]  # of the last ten seconds
    last_frame_age_s: float | None  # since a frame came; None before the first
    last_shown_age_s: float | None  # since a picture was shown; None before the first
    reconnects: int  # how often it came back
    stalls: int  # how often it fell silent
    losses: int  # how often it went away
    drift: float | None  # 1 at the edge of what was calibrated on; None: not known
    flicker: float | None  # grey levels that the picture changes where the scene does not
    look: Look
    recording: str | None  # the file; None: the output is not recorded
    resolution: float = 1.0  # share of the sides that the network sees, for the latency's sake

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = {name: value for name, value in vars(self).items() if name != "look"}
        stages = {name: asdict(stage) for name, stage in self.stages.items()}
        return {**plain, "state": self.state.value, "stages": stages, "look": self.look.as_dict()}


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """A run at one moment. Frozen: take another one for the next moment."""

    time_s: float  # Unix time
    started_at_s: float  # Unix time
    uptime_s: float
    model: str  # the bundle's name
    engine: str  # what ran the last frame
    precision: str  # of the network's arithmetic
    style: str  # its name; those of a blend with a plus between them
    styles: tuple[tuple[str, float], ...]  # (picture or name, weight), as they were given
    strength: float  # 0..1
    stability: float  # 0..1
    cameras: tuple[CameraStatus, ...]
    stages: dict[str, StageSummary]  # over all cameras and the whole run
    events: tuple[Event, ...]  # the last fifty, oldest first
    event_counts: dict[str, int]  # of all, by kind

    def camera(self, name: str) -> CameraStatus:
        """Return one camera.

        Raises:
            KeyError: There is none of this name.
        """
        return {one.name: one for one in self.cameras}[name]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **vars(self),
            "cameras": [one.as_dict() for one in self.cameras],
            "stages": {name: asdict(stage) for name, stage in self.stages.items()},
            "events": [asdict(event) for event in self.events],
        }
