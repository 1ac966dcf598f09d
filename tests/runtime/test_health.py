from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hsi.runtime.camera_state import CameraState
from hsi.runtime.health import health_of
from hsi.runtime.look import Look
from hsi.runtime.run_status import CameraStatus, RunStatus

CAMERA = CameraStatus(
    name="cam",
    state=CameraState.RUNNING,
    size=(96, 64),
    captured=9,
    shown=9,
    unstylised=0,
    repeated=0,
    dropped={},
    waiting=0,
    captured_fps=30.0,
    shown_fps=30.0,
    stages={},
    last_frame_age_s=0.1,
    last_shown_age_s=0.1,
    reconnects=0,
    stalls=0,
    losses=0,
    drift=None,
    flicker=None,
    look=Look(),
    recording=None,
)


def _status(**changes: Any) -> RunStatus:
    return RunStatus(
        time_s=100.0,
        started_at_s=0.0,
        uptime_s=100.0,
        model="hsi-edge",
        engine="cpu",
        precision="fp32",
        style="a",
        styles=(("a", 1.0),),
        strength=1.0,
        stability=0.5,
        cameras=(CAMERA, replace(CAMERA, name="other", **changes)),
        stages={},
        events=(),
        event_counts={},
    )


def test_a_run_whose_cameras_give_pictures_is_well() -> None:
    found = health_of(_status())
    assert found.as_dict() == {"alive": True, "ready": True, "reasons": {}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": CameraState.STALLED}, "stalled"),
        ({"last_shown_age_s": None, "captured_fps": 0.0}, "no picture so far"),
        ({"last_shown_age_s": 8.0}, "no picture for 8 s"),
    ],
)
def test_a_camera_without_pictures_is_not_ready_and_needs_no_restart(
    changes: dict[str, Any], reason: str
) -> None:
    found = health_of(_status(**changes))
    assert (found.alive, found.ready, found.reasons) == (True, False, {"other": reason})


@pytest.mark.parametrize("shown", [31.0, None])
def test_frames_that_come_in_and_never_out_need_a_restart(shown: float | None) -> None:
    assert not health_of(_status(last_shown_age_s=shown)).alive


def test_a_run_that_loads_is_alive_and_not_ready() -> None:
    found = health_of(None)
    assert (found.alive, found.ready, found.reasons) == (True, False, {"run": "loading"})
