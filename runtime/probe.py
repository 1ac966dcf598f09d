"""What a source is and how it behaves, found out by reading it for a moment."""

from __future__ import annotations

import itertools
import time
from dataclasses import asdict, dataclass
from typing import Any

from hsi.runtime.errors import SourceError
from hsi.runtime.source import CorruptFrame, EndOfStream, open_source


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What was found out about a source."""

    source: str  # the address, without credentials
    live: bool
    size: tuple[int, int]  # (width, height) of its first frame, in pixels
    fps: float | None  # as the source says
    measured_fps: float  # as frames came; of a file, how fast it is read
    frame_count: int | None  # as the source says
    opened_ms: float  # until it was open
    first_frame_ms: float  # until the first frame, opening included
    longest_gap_ms: float  # between two frames
    corrupt: int  # frames that came damaged

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values = asdict(self)
        return {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()}

    def __str__(self) -> str:
        kind = "live" if self.live else f"{self.frame_count or 'unknown number of'} frames"
        said = "no rate of its own" if self.fps is None else f"says {self.fps:.2f} fps"
        return (
            f"{self.source}\n"
            f"  {self.size[0]}x{self.size[1]}, {kind}, {said}, {self.measured_fps:.2f} came\n"
            f"  open after {self.opened_ms:.0f} ms, first frame after "
            f"{self.first_frame_ms:.0f} ms, longest gap "
            f"{self.longest_gap_ms:.0f} ms, {self.corrupt} damaged"
        )


def probe(uri: str, *, seconds: float = 2.0) -> Probe:
    """Open a source and read it.

    Args:
        uri: Its address.
        seconds: How long to read.

    Raises:
        OptionError: The address is malformed.
        SourceError: It cannot be opened, breaks, or gives no frame in this time.
    """
    begun = time.monotonic()
    with open_source(uri) as source:
        opened = time.monotonic()
        times, corrupt, size = [], 0, None
        while time.monotonic() - opened < seconds:
            try:
                frame = source.read(0.1)
            except EndOfStream:
                break
            except CorruptFrame:
                corrupt += 1
                continue
            if frame is not None:
                times.append(time.monotonic())
                size = size or frame.size
        if size is None:
            raise SourceError(
                f"{source.name}: gave no frame in {seconds:g} s: check the camera and the network"
            )
        gaps = [after - before for before, after in itertools.pairwise(times)]
        return Probe(
            source=source.name,
            live=source.live,
            size=size,
            fps=source.fps,
            measured_fps=len(gaps) / sum(gaps) if gaps else 0.0,
            frame_count=source.frame_count,
            opened_ms=1e3 * (opened - begun),
            first_frame_ms=1e3 * (times[0] - begun),
            longest_gap_ms=1e3 * max(gaps, default=0.0),
            corrupt=corrupt,
        )
