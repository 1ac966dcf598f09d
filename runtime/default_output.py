"""Where styled frames go when nobody has said: into a window, or a file with a name of its own."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hsi.runtime.image_source import ImageSource
from hsi.runtime.inputs import Input
from hsi.runtime.output import NoWindow, Output, OutputOptions, open_output, output_error
from hsi.runtime.source import Source


@contextlib.contextmanager
def default_output(
    played: Input, expected: int | None, tell: Callable[[str], None]
) -> Iterator[Output]:
    """Open a window or, where none can be, a new file in the current folder.

    The file is a video; one picture becomes a picture, several become a folder of them.

    Args:
        played: What is written: its first source decides on the kind of file.
        expected: How many frames there will be, or None where nobody knows.
        tell: Given one sentence when it is a file: which one, why, and how to choose.

    Raises:
        OutputError: There is no window, and the current folder cannot be written.
    """
    try:
        window = open_output("display://")
    except NoWindow as error:
        why = error.why
    else:
        with window:
            yield window
        return
    options = OutputOptions(fps=played.fps, live=played.live)
    with (
        _new_path(_ending_for(played.first, expected)) as path,
        open_output(path, options=options) as out,
    ):
        tell(f"no window, because {why}: writing {out.name} instead; -o chooses the output")
        yield out


def _ending_for(first: Source | None, expected: int | None) -> str:
    if not isinstance(first, ImageSource):
        return ".mp4"
    return ".png" if expected == 1 else "/"


@contextlib.contextmanager
def _new_path(ending: str) -> Iterator[Path]:
    """Create a file or folder that was not there; take it away again if it stays empty."""
    stem = time.strftime("hsi-run-%Y%m%d-%H%M%S")
    # Created at once: another run, begun within the same second, must find the name taken.
    for copy in itertools.count(1):
        path = Path(stem + (f"-{copy}" if copy > 1 else "") + ending)
        try:
            if ending == "/":
                path.mkdir()
            else:
                path.touch(exist_ok=False)
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise output_error(str(path), error) from error
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            if path.is_dir():
                path.rmdir()
            elif path.stat().st_size == 0:
                path.unlink()
