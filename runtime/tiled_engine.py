"""An engine that takes frames of any size, in the memory of a tile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hsi.runtime.engine import Engine, Frames, Vectors
from hsi.runtime.manifest import StatisticsField
from hsi.runtime.tiled_statistics import TiledStatistics
from hsi.runtime.tiling import Tiling


class TiledEngine:
    """Cuts large frames into tiles that are stylised with the statistics of the whole frame.

    With them, the tiles are the result of the whole frame, up to rounding.

    Args:
        engine: What runs the tiles, and smaller frames. Closed with this.
        tiling: What is cut, and how.
        fields: Of the statistics vector.
    """

    def __init__(self, engine: Engine, tiling: Tiling, fields: Sequence[StatisticsField]) -> None:
        self._engine = engine
        self._tiling = tiling
        self._statistics = TiledStatistics(engine, tiling, fields)

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
        used = self._statistics.measure(*feed)
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
