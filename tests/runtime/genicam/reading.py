"""How a test reads from a camera."""

from __future__ import annotations

import time

from hsi.runtime.frame import Frame
from hsi.runtime.source import Source


def frames_of(source: Source, count: int) -> list[Frame]:
    """Read so many frames, or what comes of them in ten seconds."""
    found: list[Frame] = []
    deadline = time.monotonic() + 10
    while len(found) < count and time.monotonic() < deadline:
        frame = source.read(0.5)
        if frame is not None:
            found.append(frame)
    return found
