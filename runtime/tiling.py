"""How a large frame is cut into overlapping tiles, so that no seam shows where they meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

from hsi.runtime.errors import OptionError
from hsi.runtime.manifest import FrameContract

AUTO = "auto"

_AUTO_SIDE = 4096
_AUTO_PIXELS = 4096 * 2304  # 4K is left whole, and a tile takes no more memory than that
_AUTO_LEAST_SIDE = 2176  # a network must take such tiles, and see no farther than a quarter of one


@dataclass(frozen=True, kw_only=True)
class Span:
    """A tile's rows, or its columns."""

    seen: slice  # what the network sees of the frame
    kept: slice  # what of the result is kept, in the frame
    inner: slice  # the same, in the tile


class Tiling:
    """Which frames of a network are cut into tiles, and where the tiles lie.

    With its statistics held fixed, a pixel of the result depends on nothing farther off than half
    of the receptive field. So tiles overlap by that much, rounded up to the stride, on either side,
    start at multiples of the stride, and what is kept of them is the whole frame's result.

    Args:
        contract: Of the network.
        side: Pixels a side of a tile, at most.
        above: Frames of up to so many pixels are left whole.
        pixels: Of a tile, at most; None: a square's.

    Raises:
        OptionError: The side is not within what the network takes, or leaves nothing to keep.
    """

    def __init__(
        self, contract: FrameContract, *, side: int, above: int, pixels: int | None = None
    ) -> None:
        stride = contract.stride
        self.contract = contract
        self._above = above
        self._margin = _up(contract.receptive_field // 2, stride)
        self._smallest = max(_up(contract.min_side, stride), 2 * self._margin) + stride
        if not self._smallest <= side <= contract.max_side:
            raise OptionError(
                f"tile: expected {self._smallest} to {contract.max_side} pixels for this network, "
                f"whose tiles overlap by {2 * self._margin}, found {side}: 1024 is a usual size"
            )
        self.side = side // stride * stride
        self.pixels = pixels or self.side**2

    def cuts(self, size: tuple[int, int]) -> bool:
        """Whether a frame of ``size`` (width, height) is cut."""
        return size[0] * size[1] > self._above or max(size) > self.contract.max_side

    def tiles(self, size: tuple[int, int]) -> Iterator[tuple[Span, Span]]:
        """Rows and columns of every tile of a frame of ``size`` (width, height), row by row."""
        columns, rows = self._grid(size)
        return ((down, across) for down in rows for across in columns)

    def _grid(self, size: tuple[int, int]) -> tuple[list[Span], list[Span]]:
        """Columns and rows of the tiles that overlap least: wide ones, where they may be wide."""
        grids = []
        for width in self._widths(size[0]):
            columns = self._spans(size[0], width)
            widest = max(_length(one.seen) for one in columns)
            highest = min(self.side, max(self.pixels // widest, self._smallest))
            grids.append((columns, self._spans(size[1], highest)))
        return min(grids, key=lambda grid: _seen(grid[0]) * _seen(grid[1]))

    def _widths(self, width: int) -> Iterator[int]:
        """The most that each number of columns may be wide, from the fewest to square tiles."""
        square = isqrt(self.pixels)
        count = len(self._spans(width, self.side))
        last = len(self._spans(width, min(self.side, square)))
        overlap = 2 * self._margin
        for columns in range(count, last + 1):
            even = _up(_ceil_div(width + (columns - 1) * overlap, columns), self.contract.stride)
            yield min(self.side, max(even, self._smallest))

    def _spans(self, length: int, most: int) -> list[Span]:
        """The tiles along one side of a frame, of up to ``most`` pixels: few, and of one size."""
        if length <= most:
            whole = slice(0, length)
            return [Span(seen=whole, kept=whole, inner=whole)]
        stride, overlap = self.contract.stride, 2 * self._margin
        count = _ceil_div(length - overlap, most // stride * stride - overlap)
        even = _up(_ceil_div(length + (count - 1) * overlap, count), stride)
        side = max(even, self._smallest)
        starts = list(range(0, length - overlap, side - overlap))
        # The last one starts earlier, to be as large as the others: engines keep memory for each
        # size, and the network takes no sliver.
        starts[-1] = _up(length - side, stride)
        cuts = [0, *(start + self._margin for start in starts[1:]), length]
        return [
            Span(
                seen=slice(start, min(start + side, length)),
                kept=slice(first, last),
                inner=slice(first - start, last - start),
            )
            for start, first, last in zip(starts, cuts[:-1], cuts[1:], strict=True)
        ]


def tiling_for(tile: int | str | None, contract: FrameContract) -> Tiling | None:
    """What is cut of the frames of a network.

    Args:
        tile: Pixels a side of a tile: frames of more pixels than one are cut. `auto`: frames of
            more than 4096x2304 are, where the network sees less far than a tile. None: none is.
        contract: Of the network.

    Returns:
        None where nothing is cut.

    Raises:
        OptionError: It is none of these, or no size for this network.
    """
    if tile is None:
        return None
    if tile == AUTO:
        far = 4 * contract.receptive_field > _AUTO_LEAST_SIDE
        if far or contract.max_side < _AUTO_LEAST_SIDE:
            return None
        side = min(_AUTO_SIDE, contract.max_side)
        return Tiling(contract, side=side, above=_AUTO_PIXELS, pixels=_AUTO_PIXELS)
    if isinstance(tile, bool) or not isinstance(tile, int):
        raise OptionError(f"tile: expected pixels, auto or None, found {tile!r}: 1024 is usual")
    return Tiling(contract, side=tile, above=tile**2)


def _seen(spans: list[Span]) -> int:
    return sum(_length(one.seen) for one in spans)


def _length(span: slice) -> int:
    return int(span.stop - span.start)


def _ceil_div(value: int, by: int) -> int:
    return -(-value // by)


def _up(value: int, step: int) -> int:
    return _ceil_div(value, step) * step
