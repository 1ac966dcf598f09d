"""Pictures of an experiment: pairs side by side, methods one below the other."""

from collections.abc import Sequence

import cv2
import numpy as np

from hsi.appearance.glyphs.experiment import MethodResult
from hsi.appearance.glyphs.pairs import BgrPictures, Pairs, bgr_from_pictures
from hsi.runtime.frame import Image

ENLARGED = 3  # times
GAP = 4  # pixels
LABEL_WIDTH = 190  # pixels


def experiment_sheet(results: Sequence[MethodResult], pairs: Pairs, columns: int = 10) -> Image:
    """Structure, style and results of the first pairs, `(H, W, 3) uint8 BGR`."""
    rows: list[tuple[str, BgrPictures]] = [
        ("structure", bgr_from_pictures(pairs.structures.pictures)),
        ("style", bgr_from_pictures(pairs.styles.pictures)),
        *((result.method, result.pictures) for result in results[1:]),
    ]
    return np.concatenate([_row(label, pictures[:columns]) for label, pictures in rows])


def _row(label: str, pictures: BgrPictures) -> Image:
    big = pictures.repeat(ENLARGED, 1).repeat(ENLARGED, 2)
    padded = np.pad(big, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    name = np.full((padded.shape[1], LABEL_WIDTH, 3), 255, np.uint8)
    place = (6, padded.shape[1] // 2)
    cv2.putText(name, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([name, *padded], axis=1)
