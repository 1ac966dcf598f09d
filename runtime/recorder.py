"""The flight recorder: what came from a camera, as it came, when it came, and what broke."""

from __future__ import annotations

import base64
import json
import logging
import os
import struct
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from hsi.runtime.closing import Closing
from hsi.runtime.frame import Frame
from hsi.runtime.output import create_part, output_error
from hsi.runtime.source import (
    CorruptFrame,
    EndOfStream,
    Source,
    SourceLost,
    SourceOptions,
    open_source,
)

logger = logging.getLogger(__name__)

MAGIC = b"HSREC1\n"
HEAD = struct.Struct("<BdI")
"""Before every record: its kind, seconds since the recording began, bytes that follow."""

OPENED, PACKET, LOST = 1, 2, 3
"""Kinds of records: JSON with the codec; one packet of it; JSON with what broke."""

_JPEG_QUALITY = 95


class Recorder(Closing):
    """Writes one camera's input to a file, through all of its connections.

    What cannot be written is told once and then given up: recording never disturbs the run.

    Args:
        path: Such as `line.hsr`. Gets its name when the recording ends; until then the data is in
            a hidden file beside it, which can be replayed too.

    Raises:
        OutputError: It cannot be written there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None
        self._ended = False
        self._began = time.monotonic()
        self._connection: Connection | None = None
        self._writing = threading.Lock()
        # Tried now: a folder without permission must not cost the first second of work.
        self._part = create_part(path)
        self._part.unlink()

    def connect(self) -> Connection:
        """Return what writes the next connection; earlier ones are deaf from now on."""
        with self._writing:
            self._connection = Connection(self)
            return self._connection

    def write(self, connection: Connection, kind: int, data: bytes) -> None:
        """Write one record, unless another connection has taken over."""
        with self._writing:
            if connection is not self._connection or self._ended:
                return
            try:
                if self._file is None:
                    self._file = self._part.open("wb")
                    self._file.write(MAGIC)
                self._file.write(HEAD.pack(kind, time.monotonic() - self._began, len(data)) + data)
                self._file.flush()
            except OSError as error:
                logger.warning("%s: the recording ends here", output_error(str(self._path), error))
                self._close()

    def close(self) -> None:
        """End the recording and give it its name."""
        with self._writing:
            self._close()

    def _close(self) -> None:
        self._ended = True
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError:
            logger.warning("%s: the end of the recording is lost", self._path)
        self._file = None
        os.replace(self._part, self._path)


class Connection:
    """One connection to the camera in a recording."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.has_codec = False  # whether it was told how the camera codes

    def opened(self, codec: str, extradata: bytes, fps: float | None) -> None:
        """Note that the camera was opened, and how it codes."""
        self.has_codec = True
        text = base64.b64encode(extradata).decode()
        found = {"codec": codec, "extradata": text, "fps": fps}
        self._recorder.write(self, OPENED, json.dumps(found).encode())

    def packet(self, data: bytes) -> None:
        """Note a packet that came just now."""
        self._recorder.write(self, PACKET, data)

    def lost(self, reason: str) -> None:
        """Note that the connection broke."""
        self._recorder.write(self, LOST, json.dumps({"reason": reason}).encode())


class RecordedSource(Closing):
    """A source whose frames and faults are recorded. See :class:`hsi.runtime.source.Source`.

    Args:
        inner: The source; closed with this one.
        connection: Where it is written. A source that has told its codec there writes its own
            packets; else each frame is written as a JPEG.
    """

    def __init__(self, inner: Source, connection: Connection) -> None:
        self.name, self.live, self.fps = inner.name, inner.live, inner.fps
        self.size, self.frame_count = inner.size, inner.frame_count
        self._inner = inner
        self._connection = connection
        self._packets = connection.has_codec
        if not self._packets:
            connection.opened("mjpeg", b"", inner.fps)

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame of the source, or None."""
        try:
            frame = self._inner.read(timeout_s)
        except (EndOfStream, CorruptFrame):
            raise
        except SourceLost as error:
            self._connection.lost(str(error))
            raise
        if frame is not None and not self._packets:
            quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
            self._connection.packet(cv2.imencode(".jpg", frame.image, quality)[1].tobytes())
        return frame

    def close(self) -> None:
        """Close the source."""
        self._inner.close()


def recorded(uri: str, recorder: Recorder, options: SourceOptions | None = None) -> Source:
    """Open a source as :func:`hsi.runtime.source.open_source` does, and record it."""
    connection = recorder.connect()
    options = replace(options or SourceOptions(), connection=connection)
    source = open_source(uri, options=options)
    return RecordedSource(source, connection)
