"""Frames of a running camera, kept for the next calibration."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import OutputError
from hsi.runtime.frame import Image
from hsi.runtime.frame_descriptor import frame_descriptor
from hsi.runtime.image_output import write_picture
from hsi.runtime.look import shrunk
from hsi.runtime.output import create_part, output_error
from hsi.runtime.picture import picture_from_bytes

log = logging.getLogger(__name__)

SIDE = 512  # pixels of the long side: what calibration shrinks frames to
DESCRIBED_SIDE = 160  # likewise, for the descriptor: noise and time are less
MAX_FRAMES = 240  # in the folder, earlier runs included: what calibration reads at most
APART = 0.12  # of `frame_descriptor`: nearer to a frame that is kept, another adds nothing


class FrameCollector:
    """A folder of frames that differ, filled as they come: the greedy form of farthest points.

    Pictures of earlier runs count, so a device that starts every morning does not fill its disk.
    Files are whole: each is written beside and renamed.

    Args:
        folder: Created, parents too, if it is not there.

    Raises:
        OutputError: It cannot be created or written.
    """

    def __init__(self, folder: Path) -> None:
        self.saved = 0
        """Frames saved since."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise OutputError(f"{folder}: is a file, expected a folder to collect in") from error
        except OSError as error:
            raise output_error(f"{folder}/", error) from error
        create_part(folder / "probe.png").unlink()  # permission is asked for now, not in an hour
        self._folder = folder
        self._kept = [_descriptor(picture) for picture in _pictures(folder)]
        self._full = len(self._kept) >= MAX_FRAMES

    def offer(self, frame: Image) -> None:
        """Keep a frame, if it differs from those kept and there is room.

        A disk that fills up ends the collecting, with a word in the log, and nothing else.

        Args:
            frame: `(H, W, 3) uint8 BGR`. Read, not kept in memory.
        """
        if self._full:
            return
        descriptor = _descriptor(frame)
        if any(float(np.linalg.norm(descriptor - one)) < APART for one in self._kept):
            return
        name = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
        try:
            write_picture(self._folder / f"{name}.png", _shrunk(frame, SIDE))
        except OutputError as error:
            log.warning("no more frames are collected: %s", error)
            self._full = True
            return
        self.saved += 1
        self._kept.append(descriptor)
        if len(self._kept) >= MAX_FRAMES:
            log.warning("no more frames are collected: %s/ holds %d", self._folder, MAX_FRAMES)
            self._full = True


def _pictures(folder: Path) -> Iterator[Image]:
    for path in sorted(folder.glob("*.png"))[:MAX_FRAMES]:
        picture = picture_from_bytes(path.read_bytes())
        if picture is not None:
            yield picture


def _descriptor(image: Image) -> npt.NDArray[np.float32]:
    return frame_descriptor(_shrunk(image, DESCRIBED_SIDE))


def _shrunk(image: Image, side: int) -> Image:
    height, width = image.shape[:2]
    shrink = max(1.0, max(height, width) / side)
    return shrunk(image, (max(1, round(width / shrink)), max(1, round(height / shrink))))
