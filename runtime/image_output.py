"""Pictures as an output: a folder with one file per frame, or a single file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType

import cv2

from hsi.runtime.errors import OutputError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import create_part, keeps_result, output_error

_JPEG_QUALITY = 95


class FolderOutput:
    """One picture file per frame. See :class:`hsi.runtime.output.Output`.

    A picture keeps the name of the picture it was made from (`cat.jpg` becomes `cat.png`); a
    frame of a video or camera gets the name of its source and its number (`clip-000012.png`).
    Every file is whole: it is written beside and renamed. Files of an earlier run are replaced,
    the pictures that a run reads never are.

    Args:
        folder: Created, parents too, if it is not there.
        suffix: The picture format, such as `.png` or `.jpg`.

    Raises:
        OutputError: The folder cannot be created or written.
    """

    thread_bound = False

    def __init__(self, folder: Path, *, suffix: str = ".png") -> None:
        self.name = f"{folder}/"
        self._folder = folder
        self._suffix = suffix
        self._created = _created(folder)
        self._taken: set[str] = set()
        # Ask for permission now and not after the first second of work.
        create_part(folder / f"probe{suffix}").unlink()

    def write(self, frame: Frame, image: Image) -> None:
        """Write the image under a name of its own; what is shown again is written already."""
        if frame.repeated:
            return
        target = self._folder / f"{self._stem_of(frame)}{self._suffix}"
        _refuse_source(target, frame)
        write_picture(target, image)

    def __enter__(self) -> FolderOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if keeps_result(error):
            return
        for folder in self._created:
            # Only what is empty goes: whole pictures of a failed run stay.
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _stem_of(self, frame: Frame) -> str:
        if frame.path is None:
            return f"{_source_stem(frame.source)}-{frame.number:06d}"
        stem, copy = frame.path.stem, 1
        # `cat.jpg` and `cat.png` of one folder, or of two, must not end in one file.
        while stem in self._taken:
            copy += 1
            stem = f"{frame.path.stem}-{copy}"
        self._taken.add(stem)
        return stem


class PictureOutput:
    """A single picture file, for a single frame. See :class:`hsi.runtime.output.Output`.

    Raises:
        OutputError: It cannot be written there, or a second frame comes.
    """

    thread_bound = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._part: Path | None = None
        create_part(path).unlink()

    def write(self, frame: Frame, image: Image) -> None:
        """Write the image beside its place; leaving the context puts it there."""
        if self._part is not None:
            raise OutputError(
                f"{self.name}: holds one picture, but more frames came: give a folder such as "
                f"{self._path.stem}/, a video such as {self._path.stem}.mp4, or --frames 1"
            )
        _refuse_source(self._path, frame)
        self._part = _written_part(self._path, image)

    def __enter__(self) -> PictureOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._part is None:
            return
        if keeps_result(error):
            os.replace(self._part, self._path)
        else:
            self._part.unlink(missing_ok=True)


def write_picture(target: Path, image: Image) -> None:
    """Write a whole picture file or none.

    Args:
        target: Its suffix chooses the format.
        image: `(H, W, 3)` uint8 BGR.

    Raises:
        OutputError: The disk is full, the folder may not be written, or the format cannot hold it.
    """
    os.replace(_written_part(target, image), target)


def _written_part(target: Path, image: Image) -> Path:
    try:
        fits, data = cv2.imencode(target.suffix, image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    except cv2.error:
        fits = False
    if not fits:
        height, width = image.shape[:2]
        raise OutputError(
            f"{target}: a {target.suffix} file cannot hold a {width}x{height} picture: choose "
            "another format, such as .png"
        )
    part = create_part(target)
    try:
        part.write_bytes(data.tobytes())
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise output_error(str(target), error) from error
        raise
    return part


def _created(folder: Path) -> list[Path]:
    """Create the folder and return what had to be created, innermost first."""
    missing = []
    for path in (folder, *folder.parents):
        if path.exists():
            break
        missing.append(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise OutputError(f"{folder}: is a file, expected a folder") from error
        raise output_error(f"{folder}/", error) from error
    return missing


def _refuse_source(target: Path, frame: Frame) -> None:
    path = frame.path
    if path is not None and target.exists() and path.exists() and target.samefile(path):
        raise OutputError(
            f"{target}: is the picture that was read, and would be lost: choose another folder"
        )


def _source_stem(source: str) -> str:
    stem = Path(source.split("?")[0].rstrip("/")).stem
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in stem).strip("-.") or "frame"
