"""Where frames come from: the protocol of a source, and opening one by its address."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Frame
from hsi.runtime.uri import local_path, redact, scheme_of

if TYPE_CHECKING:
    from hsi.runtime.recorder import Connection

TRANSPORTS = ("tcp", "udp")
NETWORK_SCHEMES = ("rtsp", "rtsps", "http", "https")
PICTURE_SUFFIXES = (
    ".bmp", ".jpeg", ".jpg", ".jp2", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
_EXAMPLES = (
    "0 or /dev/video0, clip.mp4, photo.jpg, folder/, '*.png', rtsp://…, http://…, gige://…, "
    "test://1280x720@30"
)


class EndOfStream(Exception):
    """The source has given its last frame. A signal between source and reader, not a fault."""


class CorruptFrame(Exception):
    """A live source received a frame that cannot be used. A signal: the next one may be good."""


class SourceLost(SourceError):
    """A live source that had worked fell silent or went away: what was recorded stays valid."""


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How long a source on the network may take, and where its packets are recorded."""

    connection: Connection | None = None  # of a recording; None: nowhere
    open_timeout_s: float = 5.0  # to connect, to describe itself and to give the first frame
    read_timeout_s: float = 3.0  # between two frames
    transport: str = "tcp"  # of RTSP: tcp or udp

    def __post_init__(self) -> None:
        for name in ("open_timeout_s", "read_timeout_s"):
            value = getattr(self, name)
            if not value > 0:
                raise OptionError(f"{name} must be more than 0 seconds, got {value}")
        if self.transport not in TRANSPORTS:
            raise OptionError(f"transport must be tcp or udp, got {self.transport!r}")


class Source(Protocol):
    """A camera, clip, stream, picture, folder of pictures or test pattern, open for reading.

    One thread reads and closes it. Leaving the context closes it.
    """

    @property
    def name(self) -> str:
        """The address, without credentials."""

    @property
    def live(self) -> bool:
        """True where frames come at their own pace and are gone if nobody takes them."""

    @property
    def fps(self) -> float | None:
        """Frames a second as the source says, or None where it does not say."""

    @property
    def size(self) -> tuple[int, int] | None:
        """`(width, height)` of the frames in pixels, or None where frames differ."""

    @property
    def frame_count(self) -> int | None:
        """How many frames there will be (may be an estimate), or None where nobody knows."""

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came in time.

        Args:
            timeout_s: How long to wait for a live source, in seconds. The libraries below
                only come near it, so whoever must not wait longer reads in a thread of its own.

        Raises:
            EndOfStream: There are no more frames.
            CorruptFrame: A live source's frame came damaged; read on.
            SourceError: The source is damaged.
            SourceLost: A live source went away.
        """

    def close(self) -> None:
        """Give the device, file or connection back. Closing twice is fine."""

    def __enter__(self) -> Source: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_source(uri: str | os.PathLike[str], *, options: SourceOptions | None = None) -> Source:
    """Open a source by its address.

    Args:
        uri: `0`, `/dev/video0` or `v4l2:///dev/video0` for a camera; `gige://` and an address or
            serial number, or `gentl://` and a serial number, for one of machine vision; a video, a
            picture, a folder of pictures or a quoted pattern such as `*.png`; `rtsp://`,
            `rtsps://`, `http://` or `https://`;
            `file://`; `test://1920x1080@30` for a moving test pattern; `replay+FILE` for a
            recording; `fault+` before any of these for faults at will.
        options: Time limits of network sources.

    Returns:
        The source with its first frame already decoded where that tells a bad one, to be closed
        by the caller.

    Raises:
        OptionError: The address has an unknown scheme or option.
        SourceError: There is no such source, or it cannot be read.
    """
    # The kinds are imported where they are used: a run loads one of the video libraries, not all.
    text = os.fspath(uri)
    scheme = scheme_of(text)
    if text.startswith("fault+"):
        from hsi.runtime.fault_source import FaultSource, split_faults

        inner, faults = split_faults(text)
        return FaultSource(redact(text), open_source(inner, options=options), faults)
    if is_recording(text):
        from hsi.runtime.replay_source import Recording

        return Recording(Path(local_path(text.removeprefix("replay+")))).open()
    if _is_camera(text):
        from hsi.runtime.camera_source import CameraSource

        return CameraSource(text)
    if scheme == "gige":
        from hsi.runtime.genicam.aravis_source import AravisSource

        return AravisSource(text)
    if scheme == "gentl":
        from hsi.runtime.genicam.gentl_source import GenTlSource

        return GenTlSource(text)
    if scheme == "test":
        from hsi.runtime.pattern_source import PatternSource

        return PatternSource(text)
    if scheme in NETWORK_SCHEMES:
        from hsi.runtime.video_source import VideoSource

        return VideoSource(text, options=options)
    if scheme not in ("", "file"):
        raise OptionError(
            f"{redact(text)}: unknown kind of source {scheme}://, expected one of {_EXAMPLES}"
        )
    return _open_path(local_path(text))


SourceWord = str | Callable[[], Source]
"""An address, or what opens a source of a program's own, again and again."""


def opener(uri: SourceWord, options: SourceOptions | None = None) -> Callable[[], Source]:
    """Return what opens a source again and again; a recording goes on where it was.

    Raises:
        SourceError: There is no such recording.
    """
    if not isinstance(uri, str):
        return uri
    if is_recording(uri):
        from hsi.runtime.replay_source import Recording

        return Recording(Path(local_path(uri.removeprefix("replay+")))).open
    return lambda: open_source(uri, options=options)


def name_of(uri: SourceWord) -> str:
    """Return what to call a source before it is open, without credentials."""
    return redact(uri) if isinstance(uri, str) else getattr(uri, "__name__", type(uri).__name__)


def could_be_live(uri: SourceWord) -> bool:
    """Tell by its address whether a source could be a camera or stream, and not a file."""
    if not isinstance(uri, str):
        return True
    below = uri.removeprefix("fault+")
    return scheme_of(below) not in ("", "file") or _is_camera(below) or is_recording(below)


def is_recording(uri: str) -> bool:
    """Tell by its address whether a source is a recording."""
    return uri.startswith("replay+")


def _is_camera(uri: str) -> bool:
    return uri.isdecimal() or uri.startswith("/dev/video") or scheme_of(uri) == "v4l2"


def is_picture(path: Path) -> bool:
    """Tell by its name whether a file is a picture that OpenCV reads."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def _open_path(text: str) -> Source:
    from hsi.runtime.image_source import ImageSource, sorted_pictures
    from hsi.runtime.video_source import VideoSource

    if not text:
        raise OptionError(f"the source is an empty text, expected one of {_EXAMPLES}")
    path = Path(text)
    if path.is_dir():
        return ImageSource(text, sorted_pictures(path.iterdir(), name=text))
    if path.exists():
        return ImageSource(text, [path]) if is_picture(path) else VideoSource(text)
    if glob.has_magic(text):
        found = (Path(name) for name in glob.iglob(os.path.expanduser(text), recursive=True))
        return ImageSource(text, sorted_pictures(found, name=text))
    raise SourceError(f"{redact(text)}: no such file or folder: check the path")
