"""Pictures as a source: one file, a folder, or all that a pattern matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hsi.runtime.closing import Closing
from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.picture import picture_from_bytes
from hsi.runtime.source import EndOfStream, is_picture
from hsi.runtime.uri import redact

PICTURES_PER_SECOND = 25.0  # the time-stamps that pictures get, should they become a video


class ImageSource(Closing):
    """One or more picture files, in the order given. See :class:`hsi.runtime.source.Source`.

    EXIF orientation is applied, transparency is dropped, 16-bit pictures become 8-bit.

    Args:
        name: The file, folder or pattern, as the user wrote it.
        paths: At least one picture file.

    Raises:
        SourceError: The first file is no picture or cannot be read.
    """

    live = False
    fps = None

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        self.name = redact(name)
        self.frame_count = len(paths)
        self._paths = paths
        self._number = 0
        # The first picture is read at once: a file that is none must not cost a model load.
        self._first: Image | None = image_from_file(paths[0])
        height, width = self._first.shape[:2]
        self.size = (width, height) if len(paths) == 1 else None

    def read(self, timeout_s: float) -> Frame:
        """Return the next picture. Never waits, so never None."""
        del timeout_s
        if self._number >= len(self._paths):
            raise EndOfStream(self.name)
        number, path = self._number, self._paths[self._number]
        image = self._first if self._first is not None else image_from_file(path)
        self._first = None
        self._number += 1
        time_s = number / PICTURES_PER_SECOND
        return Frame(image=image, number=number, time_s=time_s, source=self.name, path=path)

    def close(self) -> None:
        """Forget the first picture if nobody read it."""
        self._first = None


def sorted_pictures(paths: Iterable[Path], *, name: str) -> list[Path]:
    """Return the picture files among the paths, `frame2.png` before `frame10.png`.

    Raises:
        SourceError: There is none, or the folder cannot be listed.
    """
    try:
        found = sorted((p for p in paths if is_picture(p) and p.is_file()), key=_natural)
    except OSError as error:
        raise SourceError(f"{redact(name)}: cannot list it: {error.strerror}") from error
    if not found:
        raise SourceError(
            f"{redact(name)}: no picture there, expected files such as .png or .jpg: "
            "give a video by its own name"
        )
    return found


def _natural(path: Path) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]


def image_from_file(path: Path) -> Image:
    """A picture file, `(H, W, 3)` uint8 BGR.

    Raises:
        SourceError: It cannot be read, is empty or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot read it: {error.strerror}") from error
    if not data:
        raise SourceError(f"{path}: the file is empty (0 bytes), expected a picture: copy it again")
    image = picture_from_bytes(data)
    if image is None:
        raise SourceError(
            f"{path}: not a readable picture ({len(data)} bytes): it is damaged, cut short, "
            "or another kind of file"
        )
    return image
