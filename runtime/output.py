"""Where styled frames go: the protocol of an output, and opening one by its address."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from hsi.runtime.errors import OptionError, OutputError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.source import PICTURE_SUFFIXES, SourceLost
from hsi.runtime.uri import local_path, redact, scheme_of

VIDEO_SUFFIXES = (".m4v", ".mkv", ".mov", ".mp4")
_KINDS = (
    "out.mp4 (also .mkv, .mov), folder/ for one picture per frame, 'folder/*.jpg', out.png for a "
    "single picture, display://, shm://name, rtsp://host/path, null:"
)


class NoWindow(OutputError):
    """No window can be opened here. `why` tells the reason, as a part of a sentence."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"{name}: expected a window, but {why}: write a file instead, such as -o out.mp4"
        )
        self.why = why


class ViewerClosed(Exception):
    """Whoever watched has closed the window: the run ends well. A signal, not a fault."""


class Skipped(Exception):
    """An output cannot take this frame, and will take later ones. A signal, not a fault."""


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """What an output cannot know from the frames themselves."""

    fps: float | None = None  # frames a second as the source says; None: 25
    live: bool = False  # what the source gives cannot be had again

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise OptionError(f"fps must be more than 0 and up to 1000, got {self.fps}")


class Output(Protocol):
    """A video file, a folder of pictures, a window or nothing, open for writing.

    Leaving the context finishes it. Files appear under their name only then and only whole: a
    fault on the way leaves nothing behind. An interruption (Ctrl-C) or a live source that went
    away is no such fault: what was written until then is kept, and can be played.
    """

    @property
    def name(self) -> str:
        """The address, without credentials."""

    @property
    def thread_bound(self) -> bool:
        """Whether it must be written in the thread that opened it, as windows must."""

    def write(self, frame: Frame, image: Image) -> None:
        """Write one styled frame.

        Args:
            frame: The frame it was made from: time, number, source and file name come from it.
            image: `(H, W, 3)` uint8 BGR. Read before this returns, never kept, never written.

        Raises:
            OutputError: It cannot be written: disk full, no permission, another size than before.
            ViewerClosed: The user has closed the window.
            Skipped: It cannot take this one, but later ones.
        """

    def __enter__(self) -> Output: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


OutputWord = str | Callable[[], Output]
"""An address, or what opens an output of a program's own, once for each camera."""


def open_output(uri: str | os.PathLike[str], *, options: OutputOptions | None = None) -> Output:
    """Open an output by its address.

    Args:
        uri: `out.mp4`, `out.mkv` or `out.mov`; a folder (existing, or with a `/` at the end) for
            one PNG per frame; `folder/*.jpg` for another picture format; `out.png` for a single
            picture; `display://` for a window; `shm://name` for another program;
            `rtsp://host/path` for a server; `null:` for nothing.
        options: What the source says.

    Returns:
        The output, to be used as a context.

    Raises:
        OptionError: The address is of no known kind.
        OutputError: It cannot be written there.
        NoWindow: It is a window, and none can be opened.
    """
    # The kinds are imported where they are used: a run loads one of the libraries, not all.
    text = os.fspath(uri)
    options = options or OutputOptions()
    if text in ("null", "null:", "null://"):
        from hsi.runtime.null_output import NullOutput

        return NullOutput()
    if scheme_of(text) == "display":
        from hsi.runtime.display_output import DisplayOutput

        return DisplayOutput(text)
    if scheme_of(text) == "shm":
        from hsi.runtime.shared_memory_output import SharedMemoryOutput

        return SharedMemoryOutput(text)
    if scheme_of(text) in ("rtsp", "rtsps"):
        from hsi.runtime.rtsp_output import RtspOutput

        return RtspOutput(text, fps=options.fps)
    if scheme_of(text) not in ("", "file"):
        raise OptionError(f"{redact(text)}: unknown kind of output, expected one of {_KINDS}")
    return _open_path(local_path(text), options)


def _open_path(text: str, options: OutputOptions) -> Output:
    from hsi.runtime.image_output import FolderOutput, PictureOutput

    path = Path(text)
    suffix = path.suffix.lower()
    if not text:
        raise OptionError(f"the output is an empty text, expected one of {_KINDS}")
    if path.stem == "*" and suffix in PICTURE_SUFFIXES:
        return FolderOutput(path.parent, suffix=suffix)
    if path.is_dir() or text.endswith("/"):
        return FolderOutput(path)
    if suffix in VIDEO_SUFFIXES:
        from hsi.runtime.video_output import VideoOutput

        return VideoOutput(path, fps=options.fps, live=options.live)
    if suffix in PICTURE_SUFFIXES:
        return PictureOutput(path)
    raise OptionError(f"{redact(text)}: unknown kind of output, expected one of {_KINDS}")


def keeps_result(error: BaseException | None) -> bool:
    """Tell whether an output that ends with this error (or None) is worth keeping."""
    return error is None or isinstance(error, (KeyboardInterrupt, SourceLost))


def output_error(name: str, error: OSError) -> OutputError:
    """Return the one-line error for a failed write."""
    advice = {
        errno.ENOSPC: "the disk is full: free some space or choose another place",
        errno.EDQUOT: "the disk quota is used up: free some space or choose another place",
        errno.EFBIG: "the file is larger than this system allows: choose another place",
        errno.EACCES: "no permission to write there: choose another place",
        errno.EPERM: "no permission to write there: choose another place",
        errno.EROFS: "the disk is read-only: choose another place",
        errno.ENOENT: "the folder does not exist: create it first",
        errno.ENOTDIR: "a part of the path is a file, not a folder: choose another place",
    }
    reason = advice.get(error.errno or 0) or error.strerror or type(error).__name__
    return OutputError(f"{name}: cannot write it: {reason}")


def create_part(target: Path) -> Path:
    """Create the hidden file beside the target that takes its data until it is whole.

    Returns:
        Its path. Rename it to the target, or unlink it.

    Raises:
        OutputError: No file can be created there, or the target is a folder.
    """
    if target.is_dir():
        raise OutputError(f"{target}: is a folder, expected a file name: choose another name")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.touch()
    except OSError as error:
        raise output_error(str(target), error) from error
    return part
