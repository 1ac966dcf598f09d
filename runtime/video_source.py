"""Videos as a source: files and network streams, read through PyAV."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import av.error

from hsi.runtime.access_units import whole_units
from hsi.runtime.closing import Closing
from hsi.runtime.damage_watch import DamageWatch, watchful
from hsi.runtime.decoded_picture import image_from
from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Frame
from hsi.runtime.h264_numbers import numbers_of
from hsi.runtime.source import (
    NETWORK_SCHEMES,
    CorruptFrame,
    EndOfStream,
    SourceLost,
    SourceOptions,
)
from hsi.runtime.uri import redact, scheme_of

logger = logging.getLogger(__name__)

_TEXT_FORMATS = ("adf", "bin", "idf", "tty", "xbin")  # FFmpeg renders texts as videos


class VideoSource(Closing):
    """A video file or a network stream. See :class:`hsi.runtime.source.Source`.

    Frames come in display order with their own time-stamps, turned as the file asks for.
    A network stream without an end (a camera) is live: frames carry the time since opening.

    Args:
        uri: A path, or an rtsp, rtsps, http or https address.
        options: Time limits of network streams.

    Raises:
        SourceError: It cannot be opened, holds no video, or is cut short.
    """

    def __init__(self, uri: str, *, options: SourceOptions | None = None) -> None:
        options = options or SourceOptions()
        self.name = redact(uri)
        self._network = scheme_of(uri) in NETWORK_SCHEMES
        self._number = 0
        self._frames: Iterator[av.VideoFrame | None] = iter(())
        self._damaged = 0
        self._lossy = options.transport == "udp"
        self._torn = False  # whether the packet read last is incomplete
        self._last_time_s = 0.0
        self._opened = time.monotonic()
        self._connection = options.connection
        self._container = _open(uri, options)
        try:
            self._describe()
            if not self._network:
                self._check_whole(os.stat(uri).st_size)
            self._frames = self._decoded()
            self._record_codec()
            # One frame is decoded at once: it tells whether the video can be decoded at all, and
            # its true size after rotation.
            first = self._first_frame(options.open_timeout_s)
        except EndOfStream:
            self.close()
            raise SourceError(f"{self.name}: holds no frame that can be decoded") from None
        except BaseException:
            self.close()
            raise
        self._pending: Frame | None = first
        self.size: tuple[int, int] | None = first.size

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame; the time limit is the one given at opening."""
        del timeout_s
        frame, self._pending = self._pending, None
        return frame if frame is not None else self._next_frame()

    def close(self) -> None:
        """Close the file or the connection, and let the decoder go with its threads."""
        self._container.close()
        # A generator of its own methods keeps an object alive until the next garbage collection.
        self._frames = iter(())

    def _describe(self) -> None:
        if not self._container.streams.video:
            raise SourceError(f"{self.name}: holds no video, only sound or data")
        if self._container.format.name in _TEXT_FORMATS:
            raise SourceError(f"{self.name}: is a text, expected a video or a picture")
        stream = self._container.streams.video[0]
        endless = self._container.duration is None and (self._container.size or -1) <= 0
        self.live = scheme_of(self.name).startswith("rtsp") or (self._network and endless)
        stream.thread_type = "AUTO"
        # The network needs the cores more: it waits for each of its threads that has to make room,
        # and waits less where decoding takes from two of them at a time.
        stream.codec_context.thread_count = max(2, (os.cpu_count() or 1) // 2)
        if self.live:
            watchful(stream.codec_context)
        rate = stream.average_rate or stream.guessed_rate
        self.fps = float(rate) if rate else None
        self.frame_count = None if self.live else self._promised_frames(stream, rate)
        self._watch = DamageWatch(
            lossy=self._lossy, fps=self.fps, numbers=numbers_of(stream.codec_context)
        )
        self._stream = stream

    def _record_codec(self) -> None:
        if self._connection is not None:
            coded = self._stream.codec_context
            self._connection.opened(coded.codec.name, coded.extradata or b"", self.fps)

    def _promised_frames(self, stream: av.VideoStream, rate: Fraction | None) -> int | None:
        if stream.frames:
            return stream.frames
        duration = self._container.duration
        return round(duration / av.time_base * rate) if duration and rate else None

    def _check_whole(self, file_size: int) -> None:
        # An MP4 with its index in front opens even when most of the data is missing. The index
        # tells: its last entry lies beyond the end of the file.
        index = getattr(self._stream, "index_entries", ())  # PyAV 17 and later
        entry = index[len(index) - 1] if len(index) else None
        if entry is not None and entry.pos + entry.size > file_size:
            raise self._cut_short(f"{entry.pos + entry.size} bytes expected, {file_size} found")

    def _cut_short(self, found: str) -> SourceError:
        return SourceError(f"{self.name}: the video is cut short: {found}: copy it again")

    def _decoded(self) -> Iterator[av.VideoFrame | None]:
        """Decode frame by frame; None stands for one of a live stream that came damaged."""
        packets = self._container.demux(self._stream)
        for packet in whole_units(packets) if self.live else packets:
            # The last packet is an empty one that flushes the decoder: it says nothing.
            self._torn = packet.is_corrupt if packet.size else self._torn
            if self._connection is not None and packet.size:
                self._connection.packet(bytes(packet))
            if self.live:
                self._watch.note_packet(packet)
            try:
                pictures = self._stream.decode(packet)
            except av.error.InvalidDataError:
                self._note_damage()
                if self.live:
                    self._watch.note_damage(packet)
                    yield None
                continue
            for picture in pictures:
                whole = not self.live or self._watch.is_whole(picture, torn=packet.is_corrupt)
                yield picture if whole else None

    def _note_damage(self) -> None:
        # One broken packet costs a frame or two, the rest of the video is still good.
        if not self._damaged:
            logger.warning("%s: damaged data after frame %d, going on", self.name, self._number)
        self._damaged += 1

    def _next_frame(self) -> Frame:
        try:
            picture = next(self._frames)
            if picture is None:
                raise CorruptFrame(self.name)
        except StopIteration:
            self._check_end()
            raise EndOfStream(self.name) from None
        except (av.error.FFmpegError, OSError) as error:
            # Not chained where the error may hold the address, and so the password.
            cause = None if self._network else error
            raise self._broken(error) from cause
        return self._frame_from(picture)

    def _first_frame(self, limit_s: float) -> Frame:
        begun = time.monotonic()
        while time.monotonic() - begun < limit_s:
            with contextlib.suppress(CorruptFrame):
                return self._next_frame()
        raise SourceError(
            f"{self.name}: gave damaged frames only for {limit_s:g} s: check the network, or try "
            "another codec or transport"
        )

    def _broken(self, error: Exception) -> SourceError:
        reason = reason_of(error)
        if self.live:
            return SourceLost(
                f"{self.name}: the stream was lost after {self._number} frames: {reason}: "
                "check the camera and the network"
            )
        return SourceError(f"{self.name}: cannot read on after frame {self._number}: {reason}")

    def _check_end(self) -> None:
        if self.live:
            raise SourceLost(
                f"{self.name}: the other side ended the stream after {self._number} frames: "
                "check the camera and the network"
            )
        if self._torn and self._number < self._stream.frames:
            raise self._cut_short(f"{self._stream.frames} frames expected, {self._number} found")
        # Matroska says how long the track is, and that is still there when the end is not.
        promised = _seconds_from_tag(self._stream.metadata.get("DURATION", ""))
        if promised - self._last_time_s > 1.0 and self._number:
            raise self._cut_short(f"{promised:.1f} s expected, {self._last_time_s:.1f} s found")

    def _frame_from(self, picture: av.VideoFrame) -> Frame:
        number = self._number
        self._number += 1
        if self.live:
            time_s = time.monotonic() - self._opened
        elif picture.time is not None:
            time_s = float(picture.time)
        else:
            time_s = number / (self.fps or 25.0)
        self._last_time_s = time_s
        image = image_from(picture)
        return Frame(image=image, number=number, time_s=time_s, source=self.name)


def reason_of(error: BaseException) -> str:
    """Return why PyAV or the system failed, in words that hold no address."""
    if isinstance(error, av.error.ExitError):
        return "no data in time"
    if isinstance(error, av.error.InvalidDataError):
        return "damaged, cut short, or not a video"
    # str(error) would hold the file name or address; strerror does not.
    return getattr(error, "strerror", None) or type(error).__name__


def _open(uri: str, options: SourceOptions) -> Any:
    network = scheme_of(uri) in NETWORK_SCHEMES
    if not network:
        _check_file(uri)
    arguments: dict[str, Any] = {}
    if network:
        arguments["timeout"] = (options.open_timeout_s, options.read_timeout_s)
    if scheme_of(uri).startswith("rtsp"):
        # By default TCP: UDP loses packets, and with them whole frames, on the first busy switch.
        # The description of an RTSP stream tells its codec: no need to listen for a second.
        arguments["options"] = {
            "rtsp_transport": options.transport,
            "analyzeduration": "200000",
        }
    started = time.monotonic()
    try:
        return av.open(uri if network else os.path.abspath(uri), "r", **arguments)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        hint = "check the address, the camera and the network" if network else "check the file"
        reason = reason_of(error)
        if network and time.monotonic() - started >= options.open_timeout_s:
            # Cut off by its time limit, RTSP reports whatever it was about to read as invalid.
            reason = f"no answer in {options.open_timeout_s:g} s"
        message = f"{redact(uri)}: cannot open it: {reason}: {hint}"
        # Not chained where the error holds the address, and so the password.
        raise SourceError(message) from (None if network else error)


def _check_file(path: str) -> None:
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise SourceError(f"{path}: cannot read it: {error.strerror}") from error
    if empty:
        raise SourceError(f"{path}: the file is empty (0 bytes), expected a video: copy it again")


def _seconds_from_tag(text: str) -> float:
    """Return the seconds of `00:01:02.500000000`, or 0 where there are none."""
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return 0.0
