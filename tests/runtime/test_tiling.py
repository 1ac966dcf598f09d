from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.manifest import FrameContract
from hsi.runtime.tiling import Tiling, tiling_for

SHIPPED = FrameContract(min_side=64, max_side=8192, stride=8, receptive_field=159)
NEAR = FrameContract(min_side=64, max_side=8192, stride=8, receptive_field=17)  # sees hardly round
FAR = FrameContract(min_side=64, max_side=8192, stride=8, receptive_field=600)


@pytest.mark.parametrize("contract", [SHIPPED, NEAR])
@pytest.mark.parametrize("side", [176, 256, 333, 2176])
@pytest.mark.parametrize("length", [64, 161, 257, 1080, 4099, 8192, 20_011])
def test_tiles_cover_a_frame_once_and_are_kept_clear_of_their_cuts(
    contract: FrameContract, side: int, length: int
) -> None:
    covered = np.zeros(length, int)
    for rows, columns in Tiling(contract, side=side, above=0).tiles((length, 64)):
        assert rows.kept == rows.seen == slice(0, 64)
        seen, kept = columns.seen, columns.kept
        covered[kept] += 1
        assert seen.start % contract.stride == 0
        assert contract.min_side <= seen.stop - seen.start <= side
        half = contract.receptive_field // 2
        assert seen.start == 0 or kept.start - seen.start >= half
        assert seen.stop == length or seen.stop - kept.stop >= half
        assert (columns.inner.start, columns.inner.stop) == (
            kept.start - seen.start,
            kept.stop - seen.start,
        )
    assert (covered == 1).all()


def _seen(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Width and height of every tile of a frame, cut as `auto` does."""
    tiling = tiling_for("auto", SHIPPED)
    assert tiling is not None
    return [
        (across.seen.stop - across.seen.start, down.seen.stop - down.seen.start)
        for down, across in tiling.tiles(size)
    ]


def test_a_frame_of_8192x8192_costs_at_most_a_twelfth_more() -> None:
    seen = _seen((8192, 8192))
    assert sum(width * height for width, height in seen) < 8192 * 8192 * (1 + 1 / 12)
    # Engines prepare for each size, and keep memory for it.
    assert set(seen) == {(2840, 2840)}


def test_a_frame_is_cut_along_one_side_where_that_overlaps_least() -> None:
    assert _seen((4096, 4096)) == [(4096, 2128)] * 2
    assert _seen((4000, 6000)) == [(4000, 2112)] * 3
    assert _seen((6000, 4000)) == [(2112, 4000)] * 3


@pytest.mark.parametrize("size", [(5120, 2880), (8192, 8192), (20_000, 70), (70, 20_000)])
def test_a_tile_takes_no_more_memory_than_the_largest_frame_left_whole(
    size: tuple[int, int],
) -> None:
    assert max(width * height for width, height in _seen(size)) <= 4096 * 2304
    assert max(max(tile) for tile in _seen(size)) <= 4096


def test_4k_is_left_whole_and_more_is_cut() -> None:
    tiling = tiling_for("auto", SHIPPED)
    assert tiling is not None
    assert not tiling.cuts((3840, 2160))
    assert not tiling.cuts((4096, 2160))
    assert tiling.cuts((5120, 2880))
    assert tiling.cuts((9000, 64))  # more than the network takes on a side


def test_a_named_size_cuts_what_has_more_pixels() -> None:
    tiling = tiling_for(512, SHIPPED)
    assert tiling is not None
    assert not tiling.cuts((512, 512))
    assert tiling.cuts((640, 512))


def test_nothing_is_cut_on_request_or_where_a_network_sees_too_far() -> None:
    assert tiling_for(None, SHIPPED) is None
    assert tiling_for("auto", FAR) is None


@pytest.mark.parametrize(
    ("tile", "match"),
    [
        (167, "tile: expected 168 to 8192 pixels for this network, whose tiles overlap by 160, fo"),
        (-1024, "expected 168 to 8192 pixels .*, found -1024: 1024 is a usual size"),
        (8193, "expected 168 to 8192 pixels .*, found 8193"),
        (True, "tile: expected pixels, auto or None, found True"),
        (512.0, "tile: expected pixels, auto or None, found 512.0"),
        ("512", "tile: expected pixels, auto or None, found '512'"),
    ],
)
def test_no_size_of_a_tile(tile: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        tiling_for(tile, SHIPPED)
