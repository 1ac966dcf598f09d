"""Which pictures an evaluation takes: every style by every content picture."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.source import is_picture


@dataclass(frozen=True, kw_only=True)
class PairList:
    """Picture files. A result is known by its pair's name, so no two pairs may share one.

    Raises:
        OptionError: A side is empty, or two pairs would have one name.
    """

    contents: tuple[Path, ...]
    styles: tuple[Path, ...]

    def __post_init__(self) -> None:
        for side, paths in (("content", self.contents), ("style", self.styles)):
            if not paths:
                raise OptionError(f"{side}: expected at least one picture, found none")
            _refuse_twins(side, paths)
        self._refuse_shared_names()

    def __len__(self) -> int:
        return len(self.contents) * len(self.styles)

    def thinned(self, *, styles: int | None = None, every: int = 1) -> "PairList":
        """The first ``styles`` styles by every ``every``-th content picture, the first included.

        Raises:
            OptionError: A number is less than 1, or more styles are wanted than there are.
        """
        if every < 1:
            raise OptionError(f"--every must be at least 1, got {every}")
        if styles is not None and not 1 <= styles <= len(self.styles):
            raise OptionError(
                f"--styles must be from 1 to the {len(self.styles)} styles there are, got {styles}"
            )
        return PairList(contents=self.contents[::every], styles=self.styles[:styles])

    def _refuse_shared_names(self) -> None:
        # "a__b" by "c" and "a" by "b__c" are two pairs and one name.
        names = Counter(pair_name(c, s) for c in self.contents for s in self.styles)
        name, count = names.most_common(1)[0]
        if count > 1:
            raise OptionError(
                f"{name}: expected a name for each pair of pictures, found {count} pairs of this "
                "name: rename a picture"
            )


def pair_name(content: Path, style: Path) -> str:
    """The name of a pair's result, without a suffix."""
    return f"{content.stem}__{style.stem}"


def picture_paths(places: Iterable[Path]) -> tuple[Path, ...]:
    """The pictures of folders, read to their depths, of ``.txt`` lists and of single files.

    A folder's are sorted by path. A list has one path a line, relative to the list's own folder.

    Raises:
        SourceError: A place is missing, or a folder or list names no picture.
    """
    return tuple(path for place in places for path in _paths_of(place))


def pair_list_from_json(listing: Path, part: str | None = None) -> PairList:
    """Read a list of pictures.

    Args:
        listing: JSON, an object with "content" and "style", lists of paths relative to the list's
            own folder.
        part: Take "PART_content" and "PART_style" instead, where a file holds several lists.

    Raises:
        SourceError: The file is missing or no such list, or a picture in it is missing.
        OptionError: The pictures make no pairs, see :class:`PairList`.
    """
    try:
        values = json.loads(listing.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{listing}: expected a JSON list of pictures, found {error}: check the path"
        ) from error
    before = f"{part}_" if part else ""
    contents, styles = (_listed(values, f"{before}{key}", listing) for key in ("content", "style"))
    return PairList(contents=contents, styles=styles)


def _refuse_twins(side: str, paths: Sequence[Path]) -> None:
    first: dict[str, Path] = {}
    for path in paths:
        if path.stem in first:
            raise OptionError(
                f"{side}: expected pictures of different names, found {first[path.stem]} and "
                f"{path}: rename one"
            )
        first[path.stem] = path


def _paths_of(place: Path) -> list[Path]:
    if place.is_dir():
        found = sorted(path for path in place.rglob("*") if is_picture(path) and path.is_file())
    elif not place.exists():
        raise SourceError(f"{place}: expected a picture, a folder or a list, found nothing there")
    elif place.suffix.lower() == ".txt":
        lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [_existing(place.parent / line.strip(), place) for line in lines if line.strip()]
    else:
        return [place]
    if not found:
        raise SourceError(f"{place}: expected pictures such as .jpg or .png, found none")
    return found


def _listed(values: Any, key: str, listing: Path) -> tuple[Path, ...]:
    values = values if isinstance(values, dict) else {}
    names = values.get(key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        kept = sorted(k for k, v in values.items() if isinstance(v, list) and k != key)
        found = f"lists {', '.join(kept)}" if kept else "none"
        raise SourceError(
            f'{listing}: expected a list of paths "{key}", found {found}: choose another file or '
            "--set"
        )
    return tuple(_existing(listing.parent / name, listing) for name in names)


def _existing(path: Path, listing: Path) -> Path:
    if not path.is_file():
        raise SourceError(
            f"{listing}: expected pictures relative to {listing.parent}/, found no file {path}: "
            "move the list to where its paths start"
        )
    return path
