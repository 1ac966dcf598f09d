"""Styles that may be chosen from a network: by name, never by a path of the caller's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.source import PICTURE_SUFFIXES
from hsi.runtime.styles import shipped_styles


def recipes_from(folder: Path | None, in_use: Iterable[str] = ()) -> dict[str, str]:
    """Collect the styles on offer.

    Args:
        folder: Pictures of one's own; None for none.
        in_use: Styles that the line runs with already, as names or paths.

    Returns:
        What `LiveRun.set_style` takes, by name. A picture's name is its file's, without the ending.

    Raises:
        SourceError: The folder cannot be read.
        OptionError: Two pictures of the folder have one name.
    """
    found = {name: name for name in shipped_styles()}
    found |= {Path(word).stem: word for word in in_use if word not in found}
    return {**found, **({} if folder is None else _pictures(folder))}


def _pictures(folder: Path) -> dict[str, str]:
    try:
        paths = sorted(path for path in folder.iterdir() if _is_picture(path))
    except OSError as error:
        raise SourceError(
            f"{folder}: expected a folder of style pictures, found none: {error.strerror}"
        ) from error
    found: dict[str, str] = {}
    for path in paths:
        if path.stem in found:
            raise OptionError(
                f"{folder}: expected one picture for each name, found {path.name} and "
                f"{Path(found[path.stem]).name}: rename one"
            )
        found[path.stem] = str(path)
    return found


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
