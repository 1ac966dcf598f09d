"""Whether a camera gives frames."""

from __future__ import annotations

import enum


class CameraState(str, enum.Enum):
    """Whether a camera gives frames, and why not."""

    STARTING = "starting"  # its first frame has not come yet
    RUNNING = "running"
    STALLED = "stalled"  # it fell silent; it is opened again
    LOST = "lost"  # it went away; it is opened again
    MISSING = "missing"  # it was not there at the start; it is opened again
    ENDED = "ended"  # the file is over, or nothing is tried again
