"""Reads what `hsi-run -o shm://name` writes, from another program."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hsi.runtime.closing import Closing
from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Image
from hsi.runtime.shared_frames import (
    ENDED,
    MOVED,
    REPEATED,
    SLOT,
    STYLISED,
    Segment,
    fence,
    open_segment,
    segment_path,
)
from hsi.runtime.source import EndOfStream

_POLL_S = 0.001


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedFrame:
    """A picture out of shared memory."""

    image: Image  # (H, W, 3) uint8 BGR; the reader's own
    sequence: int  # counts what was written, from 1
    missed: int  # pictures written since the last one that was read, which were overwritten
    number: int  # of the frame at its source
    time_s: float  # of the frame, by the clock of its source
    captured_at: float  # when it came, by time.monotonic(); 0: not known
    stylised: bool  # whether it is in the style
    repeated: bool  # whether it is an earlier picture, shown again


class SharedMemoryReader(Closing):
    """The pictures of one output, in order, each once. A context manager.

    For example::

        with hsi.runtime.SharedMemoryReader("line") as reader:
            while (frame := reader.read(timeout_s=1.0)) is not None:
                show(frame.image)

    Args:
        name: That of `-o shm://name`. Its writer may start later.

    Raises:
        OptionError: It is no name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._path = segment_path(name)
        self._segment: Segment | None = None
        self._process = 0  # of the writer
        self._sequence = 0  # of the last frame that was read

    def read(self, timeout_s: float) -> SharedFrame | None:
        """Return the next picture, or None when none came in time.

        A reader that is late by more than the ring holds goes on with the newest.

        Raises:
            EndOfStream: The writer has ended, and all was read.
            SourceError: There is no permission to read.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            found = self._next()
            if found is not None:
                return found
            if time.monotonic() >= deadline:
                self._segment = None  # a writer that crashed may have a successor by now
                return None
            time.sleep(_POLL_S)

    def close(self) -> None:
        """Read no more."""
        self._segment = None

    def _next(self) -> SharedFrame | None:
        segment = self._opened()
        if segment is None:
            return None
        state = segment.state
        newest = segment.newest
        wanted = self._sequence
        while wanted < newest:
            wanted = wanted + 1 if newest - wanted <= segment.slots else newest
            found = self._read(segment, wanted)
            if found is not None:
                self._sequence = found.sequence
                return found
            newest = segment.newest  # it was overwritten while it was read
        if state == MOVED:
            self._segment = None
        elif state == ENDED:
            raise EndOfStream
        return None

    def _opened(self) -> Segment | None:
        if self._segment is None:
            try:
                self._segment = open_segment(self._path)
            except OSError as error:
                raise SourceError(
                    f"shm://{self._name}: cannot be read: {error.strerror}: run as the writer's "
                    "user"
                ) from error
            if self._segment is not None and self._segment.process != self._process:
                self._process, self._sequence = self._segment.process, 0
        return self._segment

    def _read(self, segment: Segment, sequence: int) -> SharedFrame | None:
        marks = segment.marks(sequence)
        if marks[1] != sequence:
            return None
        fence()
        told = SLOT.unpack_from(segment.memory, segment.place(sequence))
        number, time_s, captured_at, width, height, flags = told[2:]
        if not segment.fits(width, height):
            return None
        image = segment.pixels(sequence, width, height).copy()
        fence()
        if marks[0] != sequence:
            return None
        return SharedFrame(
            image=image,
            sequence=sequence,
            missed=sequence - self._sequence - 1 if self._sequence else 0,
            number=number,
            time_s=time_s,
            captured_at=captured_at,
            stylised=bool(flags & STYLISED),
            repeated=bool(flags & REPEATED),
        )
