"""Where results come from: a bundle that makes them, a folder that holds them, or nothing done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Protocol

import hsi.runtime
from hsi.evaluate.options import EvaluationOptions
from hsi.evaluate.pair_list import PairList, pair_name
from hsi.evaluate.picture import read_picture
from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Image
from hsi.runtime.style_code import StyleCode
from hsi.runtime.style_file import STYLE_SUFFIX, load_style
from hsi.runtime.stylizer import Stylizer

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")  # of finished results; the first found counts


class Results(Protocol):
    """The results of one method."""

    @property
    def name(self) -> str:
        """What tables call the method."""

    def made(self, content: int, style: int) -> Image:
        """The result of one pair, `(size, size, 3) uint8 BGR`, by the places of its pictures."""


class BundleResults:
    """Made here by a bundle; every style is encoded once.

    Args:
        name: What tables call it.
        stylizer: Open; whoever opened it closes it.
        contents: `(size, size, 3) uint8 BGR` each.
        styles: Likewise, or their codes.
        strength: Share of the style in [0, 1].

    Raises:
        OptionError: A code is another network's.
    """

    def __init__(
        self,
        name: str,
        stylizer: Stylizer,
        contents: list[Image],
        styles: Sequence[Image | StyleCode],
        strength: float,
    ) -> None:
        self.name = name
        self._stylizer = stylizer
        self._contents = contents
        self._strength = strength
        self._codes: list[StyleCode] = [stylizer.encode_style(style) for style in styles]

    def made(self, content: int, style: int) -> Image:
        """Stylise. See :meth:`Results.made`."""
        self._stylizer.set_style(self._codes[style], strength=self._strength)
        return self._stylizer(self._contents[content])


class FolderResults:
    """Finished pictures, named ``{content}__{style}`` by the stems of the pair's pictures.

    Raises:
        SourceError: A result is missing, no picture, or of another size. All are looked at first:
            the thousandth being damaged is told before the first is scored.
    """

    def __init__(self, folder: Path, pairs: PairList, size: int) -> None:
        self.name = f"{folder.resolve().name}/"
        self._size = size
        self._paths = _result_paths(folder, pairs)
        for path in chain.from_iterable(self._paths):
            self._read(path)

    def made(self, content: int, style: int) -> Image:
        """Read it. See :meth:`Results.made`."""
        return self._read(self._paths[content][style])

    def _read(self, path: Path) -> Image:
        picture = read_picture(path)
        height, width = picture.shape[:2]
        if (width, height) != (self._size, self._size):
            raise SourceError(
                f"{path}: expected {self._size}x{self._size} pixels, found {width}x{height}: make "
                "it from the pictures that --prepare writes, or give another --size"
            )
        return picture


class ContentResults:
    """The baseline: nothing is done, the content picture is the result."""

    def __init__(self, name: str, contents: list[Image]) -> None:
        self.name = name
        self._contents = contents

    def made(self, content: int, style: int) -> Image:
        """The content picture. See :meth:`Results.made`."""
        del style
        return self._contents[content]


@contextmanager
def open_results(
    method: Path, options: EvaluationOptions, contents: list[Image], styles: list[Image]
) -> Iterator[Results]:
    """Results of a bundle or a folder.

    Raises:
        SourceError: There is neither, or a code is missing or damaged; or as
            :class:`FolderResults`.
        OptionError: A code is another network's.
        BundleError, EngineError, QualityError: The bundle cannot be run, see `hsi.runtime.load`.
    """
    if method.is_dir():
        yield FolderResults(method, options.pairs, options.size)
        return
    if not method.exists():
        raise SourceError(
            f"{method}: expected a .hsi bundle or a folder of results, found nothing there"
        )
    strength = 1.0 if options.strength is None else options.strength
    codes = None if options.codes is None else _codes(options.codes, options.pairs)
    name = method.name if codes is None else f"{method.name}, codes tuned"
    with hsi.runtime.load(method, threads=options.threads) as stylizer:
        yield BundleResults(name, stylizer, contents, codes or styles, strength)


def _codes(folder: Path, pairs: PairList) -> list[StyleCode]:
    """The code of every style, by the stem of its picture."""
    return [load_style(folder / f"{style.stem}{STYLE_SUFFIX}") for style in pairs.styles]


def _result_paths(folder: Path, pairs: PairList) -> list[list[Path]]:
    """The file of every pair, by its content's and its style's place."""
    names = [[pair_name(content, style) for style in pairs.styles] for content in pairs.contents]
    files = _files_by_stem(folder)
    missing = [name for name in chain.from_iterable(names) if name not in files]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise SourceError(
            f"{folder}/: expected {missing[0]}.png{more}, found none: name results by the stems of "
            "their pictures, {content}__{style}.png"
        )
    return [[files[name] for name in row] for row in names]


def _files_by_stem(folder: Path) -> dict[str, Path]:
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    except OSError as error:
        raise SourceError(
            f"{folder}/: expected results, cannot list it: {error.strerror}: check the path"
        ) from error
    paths.sort(key=lambda path: SUFFIXES.index(path.suffix.lower()), reverse=True)
    return {path.stem: path for path in paths}
