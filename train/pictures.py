"""Training pictures: folders in memory, crops drawn from a seed and a step number."""

import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hsi.runtime.errors import SourceError

log = logging.getLogger(__name__)

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
Picture = npt.NDArray[np.uint8]


class PictureSet:
    """Pictures of some places, decoded once and shrunk to ``short_side``.

    Each place is drawn from equally often, however many pictures it holds: a few vivid ones in a
    folder of their own are not lost among many dull ones.

    Raises:
        SourceError: A folder is missing or holds no picture that can be read.
    """

    def __init__(
        self, places: Sequence[Path], short_side: int = 512, exclude: Iterable[Path] = ()
    ) -> None:
        held_out = {path.resolve() for path in exclude}
        found = [(path, place) for place in places for path in _picture_paths(place)]
        kept = [(path, place) for path, place in found if path not in held_out]
        self.pictures: list[Picture] = []
        self.names: list[str] = []
        of_place: dict[Path, list[int]] = {}
        for path, place in kept:
            picture = _read(path)
            if picture is None:
                log.warning("%s is not a picture that can be read: left out", path)
                continue
            of_place.setdefault(place, []).append(len(self.pictures))
            self.pictures.append(_shrunk(picture, short_side))
            self.names.append(path.name)
        self._of_place = list(of_place.values())
        if not self.pictures:
            shown = ", ".join(str(place) for place in places)
            but = f" but {len(found) - len(kept)} held out" if len(found) > len(kept) else ""
            raise SourceError(
                f"{shown}: expected pictures ({' '.join(sorted(SUFFIXES))}), found none{but}: "
                "give a folder that has some"
            )

    def __len__(self) -> int:
        return len(self.pictures)

    def crops(self, rng: np.random.Generator, count: int, size: int) -> list[Picture]:
        """Random crops at random scales, mirrored at random.

        Returns:
            ``count`` pictures `(size, size, 3) uint8 BGR`; may be views of those of the set.
        """
        places = rng.integers(len(self._of_place), size=count)
        chosen = [int(rng.choice(self._of_place[place])) for place in places]
        return [_crop(self.pictures[i], size, rng) for i in chosen]

    def centre_crops(self, count: int, size: int) -> Tensor:
        """``count`` pictures spread over the set, whole short side, for contact sheets."""
        chosen = np.linspace(0, len(self.pictures) - 1, count).astype(int)
        return planes([_centre(self.pictures[i], size) for i in chosen])


def planes(pictures: Sequence[Picture]) -> Tensor:
    """Pictures `(H, W, 3) uint8 BGR` of one size to `(N, 3, H, W)` float32 BGR in [0, 1]."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().div(255)


def held_out_paths(listing: Path) -> list[Path]:
    """Read a held-out list: JSON with lists of paths relative to the file's own folder.

    Raises:
        SourceError: The file is missing, not such a list, or holds nothing out.
    """
    try:
        values = json.loads(listing.read_text())
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{listing}: expected a JSON list of held-out pictures, found {error}"
        ) from error
    lists = values.values() if isinstance(values, dict) else [values]
    names = [name for names in lists if isinstance(names, list) for name in names]
    paths = [listing.parent / name for name in names if isinstance(name, str)]
    # A list in the wrong folder would hold nothing out, and nobody would notice.
    if not any(path.is_file() for path in paths):
        raise SourceError(
            f"{listing}: expected paths of pictures relative to {listing.parent}/, found "
            f"{len(paths)} paths and no file behind any: move the list to where its paths start"
        )
    return paths


def _picture_paths(place: Path) -> list[Path]:
    if place.is_file():
        return [place.resolve()]
    if not place.is_dir():
        raise SourceError(
            f"{place}: expected a folder of pictures, found nothing there: check the path"
        )
    found = (p for p in sorted(place.rglob("*")) if p.suffix.lower() in SUFFIXES)
    return [path.resolve() for path in found]


def _read(path: Path) -> Picture | None:
    return cast("Picture | None", cv2.imread(str(path), cv2.IMREAD_COLOR))


def _shrunk(picture: Picture, short_side: int) -> Picture:
    scale = short_side / min(picture.shape[:2])
    if scale >= 1:
        return picture
    shrunk = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cast(Picture, shrunk)


def _crop(picture: Picture, size: int, rng: np.random.Generator) -> Picture:
    short = min(picture.shape[:2])
    # From the crop's own size (full resolution) to the short side (the whole picture), even in log
    # scale: a style is learnt from single strokes as well as from the whole composition.
    window = round(size * (max(short / size, 1.0) ** rng.uniform(0.0, 1.0)))
    window = min(window, short)
    y = int(rng.integers(picture.shape[0] - window + 1))
    x = int(rng.integers(picture.shape[1] - window + 1))
    crop = picture[y : y + window, x : x + window]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    return _sized(crop, size)


def _centre(picture: Picture, size: int) -> Picture:
    height, width = picture.shape[:2]
    short = min(height, width)
    y, x = (height - short) // 2, (width - short) // 2
    return _sized(picture[y : y + short, x : x + short], size)


def _sized(picture: Picture, size: int) -> Picture:
    shrinks = picture.shape[0] > size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(Picture, cv2.resize(picture, (size, size), interpolation=method))
