"""A video file as an output, through PyAV."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.error
import cv2

from hsi.runtime.errors import OutputError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import create_part, keeps_result, output_error
from hsi.runtime.picture import fitted
from hsi.runtime.stream_clock import StreamClock

logger = logging.getLogger(__name__)

_FORMATS = {".m4v": "mp4", ".mkv": "matroska", ".mov": "mov", ".mp4": "mp4"}
_TAGS = {
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
}
# Name, ticks a second, options. 90000 holds every usual frame rate exactly; MPEG-4 part 2 allows
# no more than 65535. `veryfast` because the processor belongs to the network, not the encoder.
_CODECS = (
    ("libx264", 90000, {"preset": "veryfast", "crf": "18", **_TAGS}),
    ("mpeg4", 60000, {"qmin": "2", "qmax": "6", **_TAGS}),
)
_DEFAULT_FPS = 25.0
# What a crash or a full disk cuts off can be played up to the last second: MP4 and QuickTime are
# written in fragments, and become a usual file at the end; Matroska is written so anyway.
_MP4_OPTIONS = {
    "movflags": "+hybrid_fragmented+delay_moov",
    "frag_duration": "1000000",
    "flush_packets": "1",
}
_MKV_OPTIONS = {"cluster_time_limit": "1000", "flush_packets": "1"}
_CLOSING_S = 1.0  # how long the end waits for a write that hangs


class VideoOutput:
    """An MP4, Matroska or QuickTime file. See :class:`hsi.runtime.output.Output`.

    H.264 where the library has it, else MPEG-4 part 2; 4:2:0, BT.709, tagged as such. The size is
    that of the first frame and every time-stamp is kept, so a variable rate stays variable.
    4:2:0 needs even sides: an odd one gets one more row or column, a copy of the last
    (641x479 becomes 642x480). The alternative, 4:4:4, keeps 641x479 but plays in few players.

    A recording of a live source, which nobody can make again, is kept whatever happens, and goes
    on when the camera changes its size: then frames are fitted into the first one's.

    Args:
        path: Ends in .mp4, .m4v, .mkv or .mov. Replaced when the video is whole, not before.
        fps: Frames a second as the source says; None: 25. A hint, the time-stamps decide.
        live: Whether the source is.

    Raises:
        OutputError: No file can be created there.
    """

    thread_bound = False

    def __init__(self, path: Path, *, fps: float | None = None, live: bool = False) -> None:
        self.name = str(path)
        self._path = path
        self._fps = fps or _DEFAULT_FPS
        self._live = live
        self._broken = False  # a write has failed, and was told
        self._writing = threading.Lock()
        self._clock = StreamClock(1 / self._fps)
        self._container: Any = None
        self._stream: Any = None
        self._size = (0, 0)
        self._ticks_per_s = 0
        self._last_tick = -1
        # Tried now: a folder without permission must not cost the first second of work.
        self._part = create_part(path)
        self._part.unlink()

    def write(self, frame: Frame, image: Image) -> None:
        """Encode the image at the time of its frame."""
        with self._writing:
            self._write(frame, image)

    def _write(self, frame: Frame, image: Image) -> None:
        height, width = image.shape[:2]
        if self._container is None:
            self._start(width, height)
        if (width, height) != self._size and self._live:
            image = fitted(image, self._size)
        elif (width, height) != self._size:
            raise OutputError(
                f"{self.name}: holds {self._size[0]}x{self._size[1]} frames, but frame "
                f"{frame.number} of {frame.source} is {width}x{height}: pass --size "
                f"{self._size[0]}x{self._size[1]}, or write a folder"
            )
        picture = encoder_picture(image)
        # Two frames in one tick would make the file invalid.
        tick = max(self._last_tick + 1, round(self._clock.at(frame) * self._ticks_per_s))
        self._last_tick = tick
        picture.pts, picture.time_base = tick, Fraction(1, self._ticks_per_s)
        picture.duration = round(self._ticks_per_s / self._fps)
        self._encode(picture)

    def __enter__(self) -> VideoOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._writing.acquire(timeout=_CLOSING_S):
            # Another thread hangs in the library, which must not be closed beneath it.
            logger.warning("%s: cannot be finished, what there is of it is %s", *self._names)
            return
        kept = self._live or keeps_result(error)
        try:
            if self._container is None:
                return
            if kept and not self._broken:
                self._finish()
            else:
                self._give_up()
        finally:
            self._part.unlink(missing_ok=True)
            self._writing.release()

    @property
    def _names(self) -> tuple[str, str]:
        return self.name, str(self._part)

    def _start(self, width: int, height: int) -> None:
        codec, self._ticks_per_s, tuning = next(c for c in _CODECS if can_encode(c[0]))
        self._size = (width, height)
        self._part = create_part(self._path)
        if width % 2 or height % 2:
            logger.info("%s: padded from %dx%d to even sides", self.name, width, height)
        form = _FORMATS[self._path.suffix.lower()]
        options = _MKV_OPTIONS if form == "matroska" else _MP4_OPTIONS
        self._container = av.open(str(self._part), "w", format=form, options=options)
        rate = Fraction(self._fps).limit_denominator(1001)
        self._stream = self._container.add_stream(codec, rate=rate, options=tuning)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, self._ticks_per_s)

    def _encode(self, picture: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.error.FFmpegError, OSError) as error:
            self._broken = True
            raise _video_error(self.name, error) from error

    def _finish(self) -> None:
        try:
            self._encode(None)
            self._container.close()
            os.replace(self._part, self._path)
        except (av.error.FFmpegError, OSError) as error:
            self._give_up()
            raise _video_error(self.name, error) from error

    def _give_up(self) -> None:
        # Closing writes the end of the file, which may fail as the frame before did.
        with contextlib.suppress(av.error.FFmpegError, OSError):
            self._container.close()
        if self._live:
            with contextlib.suppress(OSError):
                os.replace(self._part, self._path)


def can_encode(codec: str) -> bool:
    """Whether PyAV has an encoder of this name."""
    try:
        av.Codec(codec, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def encoder_picture(image: Image) -> av.VideoFrame:
    """Return a picture as encoders want it: 4:2:0, BT.709, with even sides.

    Args:
        image: `(H, W, 3)` uint8 BGR. Read, not kept; an odd side gets a copy of its last line.
    """
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        padded = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        image = padded.astype("uint8", copy=False)
    # The first step reads the image where it lies, the second makes the encoder's own copy.
    picture = av.VideoFrame.from_numpy_buffer(image, "bgr24")
    return picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")


def _video_error(name: str, error: Exception) -> OutputError:
    if isinstance(error, OutputError):
        return error
    if isinstance(error, OSError):
        return output_error(name, error)
    reason = getattr(error, "strerror", None) or type(error).__name__
    return OutputError(f"{name}: cannot encode it: {reason}")
