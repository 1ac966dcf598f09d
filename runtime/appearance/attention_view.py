"""Where the parts of a structure look in an appearance, as pictures."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.appearance.denoiser import Array
from hsi.runtime.appearance.segmentation import Labels
from hsi.runtime.frame import Image


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionView:
    """What a transfer saw of one structure, at the step at which objects are told."""

    parts: Labels  # (h, w): parts of the structure, from 0
    looks: Array  # (parts, h, w): how much each part attends to places of the appearance; sums to 1

    @classmethod
    def of(cls, parts: Labels, attention: Array) -> "AttentionView":
        """Attention `(T, T)` of a structure's tokens to an appearance's, gathered by part."""
        flat = parts.ravel()
        means = [attention[flat == part].mean(axis=0) for part in range(int(flat.max()) + 1)]
        return cls(parts=parts, looks=np.stack(means).reshape(-1, *parts.shape))

    def parts_picture(self, size: tuple[int, int]) -> Image:
        """The parts, each in a colour of its own, `(H, W, 3)` uint8 BGR of `(width, height)`."""
        hues = (np.arange(len(self.looks)) * 180 // len(self.looks)).astype(np.uint8)
        planes = [hues[self.parts], *(np.full(self.parts.shape, 200, np.uint8),) * 2]
        colours = cv2.cvtColor(np.stack(planes, axis=-1), cv2.COLOR_HSV2BGR)
        return _scaled(np.asarray(colours, np.uint8), size)

    def look_pictures(self, size: tuple[int, int]) -> list[Image]:
        """For each part, what it attends to: black is nothing, white the most."""
        found = []
        for look in self.looks:
            grey = (look / max(float(look.max()), 1e-12) * 255).astype(np.uint8)
            found.append(_scaled(np.repeat(grey[..., None], 3, axis=-1), size))
        return found


def mask_picture(mask: npt.NDArray[np.float32], size: tuple[int, int]) -> Image:
    """A mask `(h, w)` as a picture of `(width, height)`, uint8 BGR: white is the object."""
    grey = (mask * 255).round().astype(np.uint8)
    return _scaled(np.repeat(grey[..., None], 3, axis=-1), size)


def _scaled(picture: npt.NDArray[np.uint8], size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.uint8)
