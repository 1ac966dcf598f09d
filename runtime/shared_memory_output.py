"""Shared memory as an output, for another program on this machine."""

from __future__ import annotations

import contextlib
import os
from types import TracebackType
from urllib.parse import urlsplit

from hsi.runtime.errors import OptionError, OutputError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import output_error
from hsi.runtime.shared_frames import (
    ENDED,
    MOVED,
    REPEATED,
    SLOT,
    STYLISED,
    WRITTEN,
    Segment,
    create_segment,
    fence,
    open_segment,
    segment_path,
)
from hsi.runtime.uri import query_of

_SLOTS = 4  # a reader may be three frames late
_MOST_SLOTS = 64


class SharedMemoryOutput:
    """Frames in a ring in shared memory, `shm://name?slots=4`.

    See :class:`hsi.runtime.output.Output`. Readers are not waited for, nor known:
    :mod:`hsi.runtime.shared_frames` says how they notice what they missed. The segment appears with
    the first frame, a new one takes its place when a larger frame comes, and it is removed at the
    end.

    Args:
        uri: The address.

    Raises:
        OptionError: The name or the number of slots is none.
        OutputError: Another process that runs writes under this name.
    """

    thread_bound = False

    def __init__(self, uri: str) -> None:
        self.name = uri
        self._slots = _slots_from(query_of(uri, allowed={"slots": str(_SLOTS)}), uri)
        self._path = segment_path(urlsplit(uri).netloc + urlsplit(uri).path)
        self._segment: Segment | None = None
        self._sequence = 0
        self._refuse_another_writer()

    def write(self, frame: Frame, image: Image) -> None:
        """Put the image into the next slot."""
        segment = self._fitting(frame)
        height, width = image.shape[:2]
        self._sequence += 1
        sequence = self._sequence
        marks = segment.marks(sequence)
        marks[0] = sequence
        fence()
        flags = STYLISED * frame.stylised + REPEATED * frame.repeated
        came = frame.captured_at or 0.0
        told = (frame.number, frame.time_s, came, width, height, flags)
        SLOT.pack_into(segment.memory, segment.place(sequence), sequence, 0, *told)
        segment.pixels(sequence, width, height)[:] = image
        fence()
        marks[1] = sequence
        fence()
        segment.newest = sequence

    def __enter__(self) -> SharedMemoryOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._segment is not None:
            self._segment.state = ENDED
            with contextlib.suppress(OSError):
                self._path.unlink()
            self._segment = None

    def _fitting(self, frame: Frame) -> Segment:
        segment, (width, height) = self._segment, frame.size
        if segment is not None and segment.fits(width, height):
            return segment
        try:
            made = create_segment(self._path, slots=self._slots, width=width, height=height)
        except OSError as error:
            raise output_error(self.name, error) from error
        made.newest = self._sequence
        if segment is not None:
            segment.state = MOVED
        self._segment = made
        return made

    def _refuse_another_writer(self) -> None:
        try:
            other = open_segment(self._path)
        except OSError as error:
            raise output_error(self.name, error) from error
        if other is None and self._path.exists():
            raise OutputError(
                f"{self.name}: expected a free name, found {self._path}, which is not of hsi-run: "
                "choose another name"
            )
        # What a crashed writer left behind is replaced.
        if other is not None and other.state == WRITTEN and _runs(other.process):
            raise OutputError(
                f"{self.name}: is written by process {other.process} already: choose another name, "
                "or 'shm://name-{camera}' for several cameras"
            )


def _slots_from(options: dict[str, str], uri: str) -> int:
    text = options.get("slots", str(_SLOTS))
    if not text.isdecimal() or not 2 <= int(text) <= _MOST_SLOTS:
        raise OptionError(f"{uri}: slots: expected 2 to {_MOST_SLOTS}, found {text!r}")
    return int(text)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
