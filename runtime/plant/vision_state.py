"""Where a line stands, in the states of OPC 40100-1 (Machine Vision)."""

from __future__ import annotations

import enum

from hsi.runtime.camera_state import CameraState
from hsi.runtime.run_status import RunStatus


class VisionState(enum.IntEnum):
    """States of VisionStateMachineType by StateNumber (OPC 40100-1, table 82)."""

    Preoperational = 1  # the network is being loaded
    Halted = 2  # the run has ended
    Error = 3  # no camera gives pictures
    Operational = 4


class AutomaticState(enum.IntEnum):
    """States of VisionAutomaticModeStateMachineType by StateNumber (OPC 40100-1, table 97)."""

    Initialized = 5
    Ready = 6  # a style is set, and no picture has come yet
    SingleExecution = 7
    ContinuousExecution = 8


def vision_state(status: RunStatus) -> tuple[VisionState, AutomaticState | None]:
    """Return the state of a line that plays, and its state in automatic mode, if it has one.

    A line always has a style, so it is never `Initialized`, and it never makes single pictures.
    """
    states = {camera.state for camera in status.cameras}
    if states <= {CameraState.ENDED}:
        return VisionState.Halted, None
    if states & {CameraState.RUNNING}:
        return VisionState.Operational, AutomaticState.ContinuousExecution
    if states & {CameraState.STARTING}:
        return VisionState.Operational, AutomaticState.Ready
    return VisionState.Error, None
