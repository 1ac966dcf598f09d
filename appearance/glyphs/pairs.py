"""Held-out pairs of scenes: a structure, and a style whose appearance it is to take."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi.appearance.glyphs.scenes import Scenes, draw_scenes
from hsi.runtime.errors import OptionError

BgrPictures = npt.NDArray[np.uint8]  # (N, H, W, 3)
Pictures = npt.NDArray[np.float32]  # (N, 3, H, W) RGB in [0, 1]
MISSING_SHARE = 0.2  # of styles, that lack a class which the structure has


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Structures and styles, one of each a pair."""

    structures: Scenes
    styles: Scenes

    def __len__(self) -> int:
        return len(self.structures)

    def chunks(self, size: int) -> Iterator["Pairs"]:
        """The pairs in their order, some at a time."""
        for first in range(0, len(self), size):
            part = slice(first, first + size)
            yield Pairs(structures=self.structures[part], styles=self.styles[part])


def held_out_pairs(count: int, seed: int) -> Pairs:
    """Pairs that no training has seen: a run's scenes come of two numbers, these of three.

    Structures have every class, a fifth of the styles lack one.

    Raises:
        OptionError: ``count`` or ``seed`` is out of range.
    """
    if seed < 0:
        raise OptionError(f"seed must be 0 or more, got {seed}")
    structures, styles = (np.random.default_rng((seed, count, role)) for role in (1, 2))
    return Pairs(
        structures=draw_scenes(count, structures, missing_share=0),
        styles=draw_scenes(count, styles, missing_share=MISSING_SHARE),
    )


def bgr_from_pictures(pictures: Pictures) -> BgrPictures:
    """What a model encodes."""
    bgr = pictures[:, ::-1].transpose(0, 2, 3, 1).clip(0, 1) * 255
    return np.ascontiguousarray(bgr.round().astype(np.uint8))


def pictures_from_bgr(pictures: BgrPictures) -> Pictures:
    """What is scored."""
    rgb = pictures[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    return np.ascontiguousarray(rgb / 255)
