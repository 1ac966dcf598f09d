"""An RTSP server as an output: frames are pushed to it as H.264, through PyAV."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from fractions import Fraction
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import av
import av.error

from hsi.runtime.back_off import BackOff
from hsi.runtime.errors import OptionError, OutputError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import Skipped
from hsi.runtime.picture import fitted
from hsi.runtime.stream_clock import StreamClock
from hsi.runtime.uri import redact
from hsi.runtime.video_output import can_encode, encoder_picture

logger = logging.getLogger(__name__)

_CODEC = "libx264"
_TICKS_PER_S = 90000
_DEFAULT_FPS = 25.0
_REACH_S = 5.0  # a server that takes longer to answer at the start is not there
_BACK_OFF_S = (0.5, 10.0)  # the first and the longest wait for a server that went away
_KEY_FRAME_S = 1.0  # who begins to watch sees a picture within this
_CLOSING_S = 1.0  # how long the end waits for a write that hangs
_PORTS = {"rtsp": 554, "rtsps": 322}


class RtspOutput:
    """A stream that is pushed to a server, `rtsp://user:password@host:8554/line`.

    See :class:`hsi.runtime.output.Output`. The server, such as MediaMTX, hands it on to whoever
    watches. H.264 over TCP, 4:2:0, without delay in the encoder. A server that was there and goes
    away is tried again for as long as the run lasts; meanwhile frames are skipped. Frames of
    another size than the first are fitted into it.

    Args:
        uri: Of the server.
        fps: Frames a second as the source says; None: 25. A hint, the time-stamps decide.

    Raises:
        OptionError: The address has no host, or this PyAV has no encoder.
        OutputError: Nobody answers there.
    """

    thread_bound = False

    def __init__(self, uri: str, *, fps: float | None = None) -> None:
        self.name = redact(uri)
        self._uri = uri
        self._fps = fps or _DEFAULT_FPS
        self._back_off = BackOff(*_BACK_OFF_S)
        self._writing = threading.Lock()
        self._container: Any = None
        self._stream: Any = None
        self._size = (0, 0)
        self._clock = StreamClock(1 / self._fps)
        self._last_tick = -1
        self._worked = False  # whether a frame has ever come through
        self._lost_at: float | None = None
        self._retry_at = 0.0
        if not can_encode(_CODEC):
            raise OptionError(f"{self.name}: needs H.264, and this PyAV has no {_CODEC} to make it")
        self._reach()

    def write(self, frame: Frame, image: Image) -> None:
        """Encode the image and send it.

        Raises:
            OutputError: The server takes no stream here.
            Skipped: The server went away, and is not back yet.
        """
        with self._writing:
            if self._container is None and time.monotonic() < self._retry_at:
                raise Skipped
            try:
                self._send(frame, image)
            except (av.error.FFmpegError, OSError) as error:
                self._lose(error)
                raise Skipped from error
            self._note_sent()

    def __enter__(self) -> RtspOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A thread that hangs in the library keeps the connection; the process' end closes it.
        if self._writing.acquire(timeout=_CLOSING_S):
            self._close()
            self._writing.release()

    def _reach(self) -> None:
        parts = urlsplit(self._uri)
        try:
            host, port = parts.hostname, parts.port or _PORTS[parts.scheme.lower()]
        except ValueError:
            host, port = None, 0
        if not host:
            raise OptionError(
                f"{self.name}: expected rtsp://HOST[:PORT]/PATH of a server, found none"
            )
        try:
            socket.create_connection((host, port), _REACH_S).close()
        except OSError as error:
            raise OutputError(
                f"{self.name}: no RTSP server answers: {error.strerror or error}: start it, or "
                "check the address"
            ) from error

    def _send(self, frame: Frame, image: Image) -> None:
        if self._container is None:
            self._open(frame.size)
        picture = encoder_picture(fitted(image, self._size) if frame.size != self._size else image)
        tick = max(self._last_tick + 1, round(self._clock.at(frame) * _TICKS_PER_S))
        self._last_tick = tick
        picture.pts, picture.time_base = tick, Fraction(1, _TICKS_PER_S)
        self._container.mux(self._stream.encode(picture))

    def _open(self, size: tuple[int, int]) -> None:
        self._size = size if not self._worked else self._size
        self._clock, self._last_tick = StreamClock(1 / self._fps), -1
        width, height = self._size
        self._container = av.open(self._uri, "w", format="rtsp", options={"rtsp_transport": "tcp"})
        rate = Fraction(self._fps).limit_denominator(1001)
        tuning = {"preset": "veryfast", "tune": "zerolatency", "crf": "23"}
        self._stream = self._container.add_stream(_CODEC, rate=rate, options=tuning)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS_PER_S)
        context.gop_size = max(1, round(self._fps * _KEY_FRAME_S))

    def _note_sent(self) -> None:
        self._worked = True
        if self._lost_at is not None:
            away_s = time.monotonic() - self._lost_at
            logger.warning("%s: takes frames again after %.1f s", self.name, away_s)
            self._lost_at = None
            self._back_off.note_good()

    def _lose(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or type(error).__name__
        self._close()
        if not self._worked:
            raise OutputError(
                f"{self.name}: the server takes no stream: {reason}: check the path and the "
                "password"
            ) from error
        now = time.monotonic()
        if self._lost_at is None:
            logger.warning("%s: lost: %s: it is tried again", self.name, reason)
            self._lost_at = now
        self._retry_at = now + self._back_off.next_s()

    def _close(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(av.error.FFmpegError, OSError):
                container.close()
