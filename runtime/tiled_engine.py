"""An engine that takes frames of any size, in the memory of a tile."""

from __future__ import annotations

import cv2
import numpy as np

from hsi.runtime.engine import Engine, Frames, Vectors
from hsi.runtime.look import FULL_SIDE
from hsi.runtime.tiling import Tiling

_PIXELS = 1920 * 1080  # of the view that a frame's statistics are taken from, at most


class TiledEngine:
    """Cuts large frames into tiles that are stylised with the statistics of the whole frame.

    The statistics are those of the frame shrunk to what the network sees of it at style scale 1,
    and to no more pixels than 1920x1080 or a tile. With them, the tiles are the result of the whole
    frame, up to rounding.

    Args:
        engine: What runs the tiles, and smaller frames. Closed with this.
        tiling: What is cut, and how.
    """

    def __init__(self, engine: Engine, tiling: Tiling) -> None:
        self._engine = engine
        self._tiling = tiling

    @property
    def name(self) -> str:
        """The engine's own."""
        return self._engine.name

    def encode_style(self, style: Frames) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.encode_style`."""
        return self._engine.encode_style(style)

    def stylize(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Frames,
    ) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.stylize`; frames may have any size."""
        size = (frames.shape[2], frames.shape[1])
        feed = (frames, codes, statistics, statistics_weight, strength)
        if not self._tiling.cuts(size):
            return self._engine.stylize(*feed, out)
        used = self._statistics(*feed)
        ones = np.ones_like(statistics_weight)
        for rows, columns in self._tiling.tiles(size):
            # The engine wants memory without gaps, on both sides.
            tile = np.ascontiguousarray(frames[:, rows.seen, columns.seen])
            made = np.empty_like(tile)
            self._engine.stylize(tile, codes, used, ones, strength, made)
            out[:, rows.kept, columns.kept] = made[:, rows.inner, columns.inner]
        return used

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`."""
        self._engine.close()

    def _statistics(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
    ) -> Vectors:
        if (statistics_weight == 1).all():
            return statistics
        size = self._view_size((frames.shape[2], frames.shape[1]))
        views = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in frames]
        view = np.asarray(views, np.uint8)
        made = np.empty_like(view)
        return self._engine.stylize(view, codes, statistics, statistics_weight, strength, made)

    def _view_size(self, size: tuple[int, int]) -> tuple[int, int]:
        width, height = size
        pixels = min(_PIXELS, self._tiling.side**2)
        shrink = max(1.0, min(size) / FULL_SIDE, (width * height / pixels) ** 0.5)
        least = self._tiling.contract.min_side
        return max(least, round(width / shrink)), max(least, round(height / shrink))
