"""Whether a run is well, for whoever would restart it or send work to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hsi.runtime.camera_state import CameraState
from hsi.runtime.run_status import CameraStatus, RunStatus

READY_S = 5.0
"""A camera whose last picture is older is not ready."""

HUNG_S = 30.0
"""Frames come, but no picture has come out for so long: only a restart helps."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether a run is well."""

    alive: bool  # a restart would not help
    ready: bool  # every camera gives pictures
    reasons: dict[str, str]  # by camera, where it is not ready

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def health_of(status: RunStatus | None) -> Health:
    """Judge a run by its status; None while its model is loaded."""
    if status is None:
        return Health(alive=True, ready=False, reasons={"run": "loading"})
    judged = {one.name: _reason(one) for one in status.cameras}
    reasons = {name: reason for name, reason in judged.items() if reason}
    hung = any(_is_hung(one, status.uptime_s) for one in status.cameras)
    return Health(alive=not hung, ready=not reasons, reasons=reasons)


def _reason(camera: CameraStatus) -> str:
    if camera.state is not CameraState.RUNNING:
        return str(camera.state.value)
    if camera.last_shown_age_s is None:
        return "no picture so far"
    if camera.last_shown_age_s > READY_S:
        return f"no picture for {camera.last_shown_age_s:.0f} s"
    return ""


def _is_hung(camera: CameraStatus, uptime_s: float) -> bool:
    idle_s = uptime_s if camera.last_shown_age_s is None else camera.last_shown_age_s
    return camera.captured_fps > 0 and idle_s > HUNG_S
