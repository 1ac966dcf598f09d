"""One run of a transfer: pictures in, pictures out, nothing half-written."""

import contextlib
import glob
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hsi.runtime.appearance.appearance_stylizer import AppearanceStylizer, Transferred
from hsi.runtime.appearance.attention_view import mask_picture
from hsi.runtime.appearance.bank_file import load_bank, save_bank
from hsi.runtime.errors import OptionError, OutputError, SourceError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.image_output import FolderOutput, PictureOutput, write_picture
from hsi.runtime.image_source import image_from_file, sorted_pictures
from hsi.runtime.source import is_picture

BANK_SUFFIX = ".bank"

OnPicture = Callable[[str, int, int], None]
"""Told a picture's name, how many of its steps are done, and of how many."""


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What one run shall do."""

    sources: tuple[str, ...]  # pictures, folders or patterns: the structures
    style: str  # a picture, or the bank of an earlier run
    output: str  # a picture for one structure, else a folder
    mask: str | None = None  # of the one structure
    style_mask: str | None = None
    save_maps: str | None = None  # folder for masks and attention maps
    save_bank: str | None = None  # file for the appearance, encoded

    def __post_init__(self) -> None:
        if not self.sources:
            raise OptionError("no source: give a picture (structure.jpg) or a folder of them")
        if self.save_bank is not None and Path(self.save_bank).suffix != BANK_SUFFIX:
            raise OptionError(f"--save-bank must end in {BANK_SUFFIX}, got {self.save_bank!r}")
        if self.style_mask is not None and Path(self.style).suffix == BANK_SUFFIX:
            raise OptionError("--style-mask is of a picture, but the style is a bank: it has one")


def structures_of(request: TransferRequest) -> list[Path]:
    """The pictures of a request, in the order given.

    Raises:
        SourceError: One is not there, or a folder or pattern has none.
        OptionError: A mask or a picture's name is given for several.
    """
    paths = [path for source in request.sources for path in _pictures(source)]
    if len(paths) > 1 and request.mask is not None:
        raise OptionError(f"--mask is of one structure, got {len(paths)} of them")
    if len(paths) > 1 and is_picture(Path(request.output)):
        raise OptionError(
            f"{request.output} holds one picture, got {len(paths)}: give a folder such as styled/"
        )
    return paths


def play_pictures(
    request: TransferRequest,
    open_stylizer: Callable[[], AppearanceStylizer],
    on_picture: OnPicture = lambda name, done, total: None,
) -> list[Path]:
    """Do what the request asks for.

    Args:
        request: Pictures and where to.
        open_stylizer: Called once all pictures and outputs are known to be usable.
        on_picture: Told after each step of each picture.

    Returns:
        The structures that were done.

    Raises:
        HsiError: Whatever is wrong with a picture, the model, the bank or an output.
    """
    paths = structures_of(request)
    first = image_from_file(paths[0])  # a bad one must not cost a model's load
    mask, style_mask = (_read(name) for name in (request.mask, request.style_mask))
    banked = Path(request.style).suffix == BANK_SUFFIX
    style = load_bank(Path(request.style)) if banked else image_from_file(Path(request.style))
    with contextlib.ExitStack() as stack:
        output = _output(request)
        stack.enter_context(output)
        if request.save_maps is not None:
            stack.enter_context(FolderOutput(Path(request.save_maps)))
        stylizer = open_stylizer()
        stylizer.set_style(style, mask=style_mask)
        if request.save_bank is not None:
            save_bank(stylizer.bank, Path(request.save_bank))
        for number, path in enumerate(paths):
            image = first if number == 0 else image_from_file(path)
            made = stylizer(
                image,
                mask=mask,
                view=request.save_maps is not None,
                on_step=partial(on_picture, path.name),
            )
            frame = Frame(image=image, number=number, time_s=0.0, source=str(path), path=path)
            output.write(frame, made.picture)
            if request.save_maps is not None:
                _write_maps(Path(request.save_maps), path.stem, made, stylizer)
    return paths


def _output(request: TransferRequest) -> FolderOutput | PictureOutput:
    path = Path(request.output)
    if is_picture(path):
        return PictureOutput(path)
    if path.suffix and not path.is_dir():
        raise OutputError(f"{path}: expected a picture such as out.png, or a folder such as out/")
    return FolderOutput(path)


def _pictures(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        return sorted_pictures(path.iterdir(), name=source)
    if glob.has_magic(source) and not path.exists():
        return sorted_pictures(map(Path, glob.glob(source)), name=source)
    if not path.is_file():
        raise SourceError(f"{source}: expected a picture or a folder of them, found none there")
    return [path]


def _read(name: str | None) -> Image | None:
    return None if name is None else image_from_file(Path(name))


def _write_maps(folder: Path, stem: str, made: Transferred, stylizer: AppearanceStylizer) -> None:
    size = stylizer.size
    write_picture(folder / f"{stem}.mask.png", made.mask)
    write_picture(folder / "style.mask.png", mask_picture(stylizer.bank.masks[0], size))
    if made.view is None:
        return
    write_picture(folder / f"{stem}.parts.png", made.view.parts_picture(size))
    for number, picture in enumerate(made.view.look_pictures(size)):
        write_picture(folder / f"{stem}.part-{number}.png", picture)
