"""Contact sheets: every style by every content picture in one image."""

import cv2
import numpy as np

from hsi.runtime.frame import Image

CELL = 256  # pixels a side of one picture
GAP = 6  # pixels between two
LONGEST = 16_384  # pixels a side of a sheet: beyond it, viewers give up and cells get smaller


class ContactSheet:
    """Content pictures along the top, styles down the side, results where they meet.

    Args:
        styles: How many.
        contents: How many.
    """

    def __init__(self, styles: int, contents: int) -> None:
        most = max(styles, contents) + 1
        self._cell = max(1, min(CELL, (LONGEST - GAP) // most - GAP))
        height, width = (GAP + n * (self._cell + GAP) for n in (styles + 1, contents + 1))
        self.image: Image = np.full((height, width, 3), 255, np.uint8)

    def put(self, row: int, column: int, picture: Image) -> None:
        """Place a square picture. Row 0 is of contents and column 0 of styles."""
        step = self._cell + GAP
        top, left = GAP + row * step, GAP + column * step
        small = cv2.resize(picture, (self._cell, self._cell), interpolation=cv2.INTER_AREA)
        self.image[top : top + self._cell, left : left + self._cell] = small
