"""A recording played as the camera it was made of: with its gaps, its faults and its pace."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error

from hsi.runtime.closing import Closing
from hsi.runtime.damage_watch import DamageWatch, watchful
from hsi.runtime.decoded_picture import image_from
from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Frame
from hsi.runtime.h264_numbers import numbers_of
from hsi.runtime.recorder import HEAD, LOST, MAGIC, OPENED, PACKET
from hsi.runtime.source import CorruptFrame, EndOfStream, SourceLost

_LARGEST = 64 << 20  # bytes of a record: more than any camera's key frame
_LONGEST_REASON = 300  # characters
_CODECS = ("h264", "hevc", "mjpeg", "mpeg4", "vp8", "vp9", "av1", "libdav1d")


@dataclass(frozen=True, kw_only=True)
class _Record:
    kind: int
    at_s: float  # since the recording began
    offset: int  # of its data in the file
    size: int


class Recording:
    """A file that `--record` wrote. Its connections are opened one after another, as they were.

    Args:
        path: The file.

    Raises:
        SourceError: It is no recording, or is damaged at the beginning.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"replay+{path}"
        self._path = path
        self._records = list(self._scanned())
        self._next = 0
        self._began: float | None = None
        if not any(record.kind == OPENED for record in self._records):
            raise SourceError(f"{self.name}: holds no connection to a camera: record it again")

    def open(self) -> ReplaySource:
        """Open the camera as it was opened at this time of the recording.

        Raises:
            SourceError: It was not there at this time, or cannot be decoded.
        """
        place = self._next
        while place < len(self._records) and self._records[place].kind != OPENED:
            place += 1
        if place == len(self._records):
            # Nothing follows: an end, and not a camera to wait for.
            self._next = place
            return ReplaySource(self, self._last_opened())
        record = self._records[place]
        if self._began is None:
            self._began = time.monotonic() - record.at_s
        wait_s = self._began + record.at_s - time.monotonic()
        if wait_s > 0:
            raise SourceError(
                f"{self.name}: was not there at this time: it will be in {wait_s:.1f} s"
            )
        self._next = place + 1
        return ReplaySource(self, record)

    def next_record(self, timeout_s: float) -> _Record | None:
        """Return the next record when its moment has come, or None.

        Raises:
            EndOfStream: The recording is over.
        """
        if self._next >= len(self._records):
            raise EndOfStream(self.name)
        record = self._records[self._next]
        assert self._began is not None
        wait_s = self._began + record.at_s - time.monotonic()
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(0.0, wait_s))
        self._next += 1
        return record

    def data_of(self, record: _Record) -> bytes:
        """Return the data of a record."""
        with self._path.open("rb") as file:
            file.seek(record.offset)
            return file.read(record.size)

    def _last_opened(self) -> _Record:
        return next(record for record in reversed(self._records) if record.kind == OPENED)

    def _scanned(self) -> Iterator[_Record]:
        try:
            with self._path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise SourceError(f"{self.name}: is no recording of hsi-run --record")
                end = self._path.stat().st_size
                while len(head := file.read(HEAD.size)) == HEAD.size:
                    kind, at_s, size = HEAD.unpack(head)
                    offset = file.tell()
                    # What a crash cut off ends the recording; what makes no sense is damage.
                    if kind not in (OPENED, PACKET, LOST) or size > _LARGEST or not at_s >= 0:
                        raise SourceError(f"{self.name}: damaged after {offset} bytes")
                    if offset + size > end:
                        return
                    yield _Record(kind=kind, at_s=at_s, offset=offset, size=size)
                    file.seek(size, 1)
        except OSError as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError(f"{self.name}: cannot read it: {error.strerror}") from error


class ReplaySource(Closing):
    """One connection of a recording. See :class:`hsi.runtime.source.Source`.

    Args:
        recording: Lent.
        opened: The record that it begins with.

    Raises:
        SourceError: Its codec is unknown.
    """

    live = True
    size = None
    frame_count = None

    def __init__(self, recording: Recording, opened: _Record) -> None:
        self.name = recording.name
        self._recording = recording
        self._number = 0
        self._opened = time.monotonic()
        try:
            found = json.loads(recording.data_of(opened))
            codec, extradata = str(found["codec"]), base64.b64decode(found["extradata"])
            self.fps = None if found["fps"] is None else float(found["fps"])
            if codec not in _CODECS:
                raise ValueError(codec)
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise SourceError(f"{self.name}: damaged, or of a newer version: {error}") from error
        self._decoder: Any = av.CodecContext.create(codec, "r")
        watchful(self._decoder)
        if extradata:
            self._decoder.extradata = extradata
        self._watch = DamageWatch(lossy=False, numbers=numbers_of(self._decoder))
        self._ready: list[Any] = []

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame when its moment has come, or None before that."""
        if not self._ready:
            record = self._recording.next_record(timeout_s)
            if record is None:
                return None
            self._take(record)
        if not self._ready:
            return None
        picture = self._ready.pop(0)
        if not self._watch.is_whole(picture):
            raise CorruptFrame(self.name)
        return self._frame_from(picture)

    def close(self) -> None:
        """Nothing to give back."""

    def _take(self, record: _Record) -> None:
        if record.kind == LOST:
            raise SourceLost(f"{self.name}: {_reason_from(self._recording.data_of(record))}")
        if record.kind == OPENED:
            raise SourceLost(f"{self.name}: was opened again")
        packet: Any = av.Packet(self._recording.data_of(record))
        self._watch.note_packet(packet)
        try:
            self._ready = self._decoder.decode(packet)
        except av.error.FFmpegError:
            self._watch.note_damage(packet)
            raise CorruptFrame(self.name) from None

    def _frame_from(self, picture: Any) -> Frame:
        number = self._number
        self._number += 1
        time_s = time.monotonic() - self._opened
        return Frame(image=image_from(picture), number=number, time_s=time_s, source=self.name)


def _reason_from(data: bytes) -> str:
    """Return what broke, in one short line whatever the file says."""
    try:
        text = str(json.loads(data)["reason"])
    except (ValueError, KeyError, TypeError):
        text = "lost"
    return "".join(c if c.isprintable() else " " for c in text)[:_LONGEST_REASON]
