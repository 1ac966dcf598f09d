from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hsi.runtime.camera_state import CameraState as Camera
from hsi.runtime.plant.vision_state import AutomaticState, VisionState, vision_state


@pytest.mark.parametrize(
    ("cameras", "state", "automatic"),
    [
        ([Camera.STARTING], VisionState.Operational, AutomaticState.Ready),
        ([Camera.RUNNING], VisionState.Operational, AutomaticState.ContinuousExecution),
        (
            [Camera.LOST, Camera.RUNNING],
            VisionState.Operational,
            AutomaticState.ContinuousExecution,
        ),
        ([Camera.LOST, Camera.STARTING], VisionState.Operational, AutomaticState.Ready),
        ([Camera.STALLED], VisionState.Error, None),
        ([Camera.MISSING, Camera.LOST], VisionState.Error, None),
        ([Camera.ENDED, Camera.LOST], VisionState.Error, None),
        ([Camera.ENDED, Camera.ENDED], VisionState.Halted, None),
    ],
)
def test_a_line_has_the_state_of_its_cameras(
    cameras: list[Camera], state: VisionState, automatic: AutomaticState | None
) -> None:
    status: Any = SimpleNamespace(cameras=[SimpleNamespace(state=camera) for camera in cameras])

    assert vision_state(status) == (state, automatic)


def test_states_have_the_numbers_of_the_standard() -> None:
    assert [*map(int, VisionState), *map(int, AutomaticState)] == [*range(1, 9)]
