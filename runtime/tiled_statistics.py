"""The global statistics of a frame too large for its network, in the memory of a tile."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from hsi.runtime.engine import Engine, Frames, MeasuringEngine, Vectors
from hsi.runtime.look import FULL_SIDE
from hsi.runtime.manifest import StatisticsField
from hsi.runtime.tiling import Tiling

_PIXELS = 1920 * 1080  # of the view that a frame's statistics are taken from, about at most
_WHOLE_FROM = 3  # times: shrinking by whole numbers takes OpenCV a third of the time


class TiledStatistics:
    """Measures large frames as the network does: in one view, or in cells of it.

    The view is the frame shrunk to what the network sees of it at style scale 1, and to no more
    pixels than 1920x1080; by a whole number where it is three or more. One larger than a tile is
    cut into cells, side by side and of one size, whose statistics are pooled. Shrinking it to a
    tile instead would smooth what is to be measured: a frame of 701x467 in tiles of 256 then
    differs from the whole twice as much.

    Args:
        engine: What runs view and cells.
        tiling: How large a tile is.
        fields: Of the statistics vector.
    """

    def __init__(self, engine: Engine, tiling: Tiling, fields: Sequence[StatisticsField]) -> None:
        # ONNX Runtime runs a whole graph, whatever is asked of it.
        self._measure = engine.measure if isinstance(engine, MeasuringEngine) else self._in_full
        self._engine = engine
        self._tiling = tiling
        places = {field.name: slice(field.start, field.start + field.size) for field in fields}
        self._variances = _pairs(places, "variance")
        self._covariances = _pairs(places, "covariance")

    def measure(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
    ) -> Vectors:
        """Statistics to feed to every tile; see :meth:`hsi.runtime.engine.Engine.stylize`."""
        if (statistics_weight == 1).all():
            return statistics
        seen = (frames.shape[2], frames.shape[1])
        (width, height), (columns, rows) = self._cells(seen)
        size = (width * columns, height * rows)
        if (times := self._whole(seen)) is not None:
            frames = frames[:, : size[1] * times, : size[0] * times]
        view = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in frames])
        cells = np.reshape(view, (len(frames), rows, height, columns, width, 3)).swapaxes(2, 3)
        vectors = (codes, statistics, statistics_weight, strength)
        return self._pooled(
            [
                self._measure(np.ascontiguousarray(cells[:, y, x]), *vectors)
                for y in range(rows)
                for x in range(columns)
            ],
            statistics_weight,
        )

    def _in_full(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
    ) -> Vectors:
        vectors = (codes, statistics, statistics_weight, strength)
        return self._engine.stylize(frames, *vectors, np.empty_like(frames))

    def _cells(self, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Width and height of a cell, and how many there are across and down."""
        side, least = self._tiling.side, self._tiling.contract.min_side
        if (times := self._whole(size)) is not None:
            view = size[0] // times, size[1] // times
        else:
            shrink = _shrink(size)
            view = max(least, round(size[0] / shrink)), max(least, round(size[1] / shrink))
        if view[0] * view[1] <= self._tiling.pixels:
            return view, (1, 1)
        columns, rows = -(-view[0] // side), -(-view[1] // side)
        return (max(least, view[0] // columns), max(least, view[1] // rows)), (columns, rows)

    def _whole(self, size: tuple[int, int]) -> int | None:
        """How many times a frame of ``size`` is shrunk, where that is a whole number."""
        times = round(_shrink(size))
        fits = min(size) // times >= self._tiling.contract.min_side
        return times if times >= _WHOLE_FROM and fits else None

    def _pooled(self, cells: list[Vectors], statistics_weight: Vectors) -> Vectors:
        """Those of all cells together; a variance is that within cells and that between them.

        So is a covariance, of which a vector has the lower triangle, row by row.
        """
        found = np.stack(cells)
        pooled: Vectors = found.mean(0)
        # Of the cells' own means only the share that is not fed in is left in what they used.
        own = np.maximum(1 - statistics_weight, 1e-6)
        for mean, variance in self._variances:
            pooled[:, variance] += found[:, :, mean].var(0) / own
        for mean, covariance in self._covariances:
            left = found[:, :, mean] - pooled[:, mean]
            rows, columns = np.tril_indices(left.shape[2])
            pooled[:, covariance] += (left[..., rows] * left[..., columns]).mean(0) / own
        return pooled


def _pairs(places: dict[str, slice], kind: str) -> list[tuple[slice, slice]]:
    """Where modules that have both keep their means, and what is of this kind."""
    return [
        (place, places[other])
        for name, place in places.items()
        if name.endswith(".mean") and (other := name.replace(".mean", f".{kind}")) in places
    ]


def _shrink(size: tuple[int, int]) -> float:
    return max(1.0, min(size) / FULL_SIDE, math.sqrt(size[0] * size[1] / _PIXELS))
