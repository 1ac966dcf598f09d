"""A report on disk: pictures as they come, then scores, a contact sheet and a page."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from errno import ENOTDIR
from pathlib import Path

from hsi.evaluate.evaluation import Evaluation
from hsi.evaluate.page import page
from hsi.evaluate.pair_list import PairList, pair_name
from hsi.evaluate.sheet import ContactSheet
from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image
from hsi.runtime.image_output import write_picture
from hsi.runtime.output import output_error

OWN = {"content", "index.html", "results", "scores.json", "sheet.png", "style"}


class Report:
    """What ``-o`` writes. Made inside :func:`folder_beside`, which makes it appear whole or not.

    Args:
        folder: Empty.
        pairs: Of the evaluation.
    """

    def __init__(self, folder: Path, pairs: PairList) -> None:
        self._folder = folder
        self._pairs = pairs
        self._sheet = ContactSheet(len(pairs.styles), len(pairs.contents))

    def add_inputs(self, contents: Sequence[Image], styles: Sequence[Image]) -> None:
        """Write the pictures results are made from, `(size, size, 3) uint8 BGR` each."""
        write_inputs(self._folder, self._pairs, contents, styles)
        for number, picture in enumerate(contents, 1):
            self._sheet.put(0, number, picture)
        for number, picture in enumerate(styles, 1):
            self._sheet.put(number, 0, picture)

    def add_result(self, content: int, style: int, made: Image) -> None:
        """Write one result, by the places of its pictures."""
        name = pair_name(self._pairs.contents[content], self._pairs.styles[style])
        target = self._folder / "results" / f"{name}.png"
        with _told(target):
            target.parent.mkdir(exist_ok=True)
        write_picture(target, made)
        self._sheet.put(style + 1, content + 1, made)

    def finish(self, evaluation: Evaluation) -> None:
        """Write the scores, the sheet and the page."""
        write_picture(self._folder / "sheet.png", self._sheet.image)
        scores = json.dumps(evaluation.to_dict(), indent=1)
        for name, text in (("scores.json", scores), ("index.html", page(evaluation))):
            with _told(self._folder / name):
                (self._folder / name).write_text(f"{text}\n", encoding="utf-8")


def write_inputs(
    folder: Path, pairs: PairList, contents: Sequence[Image], styles: Sequence[Image]
) -> None:
    """Write ``content/`` and ``style/``, one PNG a picture, as the protocol has them.

    Raises:
        OutputError: They cannot be written.
    """
    sides = (("content", pairs.contents, contents), ("style", pairs.styles, styles))
    for side, paths, pictures in sides:
        with _told(folder / side):
            (folder / side).mkdir()
        for path, picture in zip(paths, pictures, strict=True):
            write_picture(folder / side / f"{path.stem}.png", picture)


@contextlib.contextmanager
def folder_beside(out: Path, *, force: bool) -> Iterator[Path]:
    """An empty folder to write to, which takes the place of ``out`` when the block ends well.

    Args:
        out: A folder that is not there, or is empty.
        force: Replace an older report too, and nothing but a report.

    Raises:
        OptionError: ``out`` is a file or holds what may not be replaced.
        OutputError: It cannot be written; what stood at ``out`` stands there still.
    """
    _check_place(out, force)
    out = out.resolve()
    beside = out.with_name(f".{out.name}.{os.getpid()}.part")
    with _told(out):
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:  # its errno tells of no folder
            raise NotADirectoryError(ENOTDIR, str(error)) from error
        beside.mkdir()
    try:
        yield beside
        with _told(out):
            _replace(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check_place(out: Path, force: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise OptionError(f"{out} is a file: give the name of a folder")
    with _told(out):
        held = {path.name for path in out.iterdir()}
    if held and not force:
        raise OptionError(f"{out}/ exists: pass --force to replace it")
    if held - OWN:
        raise OptionError(
            f"{out}/: expected an older report to replace, found {min(held - OWN)} in it: choose "
            "another folder"
        )


def _replace(beside: Path, out: Path) -> None:
    if not out.exists():
        beside.rename(out)
        return
    # A folder cannot be renamed onto one that holds files: the old one steps aside, and back.
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.rename(old)
    try:
        beside.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(str(path), error) from error
