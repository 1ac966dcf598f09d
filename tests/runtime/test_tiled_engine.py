"""Tiles of the shipped network, against the whole frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

import hsi.runtime
from hsi.runtime import Look, Stream, Stylizer
from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine
from hsi.runtime.errors import FrameError
from hsi.runtime.frame import Image
from hsi.runtime.tiled_statistics import TiledStatistics
from hsi.runtime.tiling import Tiling

Vectors = npt.NDArray[np.float32]


def _opened(bundle: Path, tile: int | None) -> Stylizer:
    return hsi.runtime.load(bundle, engine="onnxruntime-cpu", threads=1, verify=False, tile=tile)


@pytest.fixture(scope="module")
def whole(shipped: Path) -> Iterator[Stylizer]:
    with _opened(shipped, None) as stylizer:
        yield stylizer


@pytest.fixture(scope="module")
def tiled(shipped: Path) -> Iterator[Stylizer]:
    with _opened(shipped, 256) as stylizer:
        yield stylizer


@pytest.fixture(scope="module")
def frame(photo: Image) -> Image:
    """A frame of 701x467 and nine tiles: neither side is a multiple of the stride."""
    return photo[:467, :701].copy()


@pytest.mark.parametrize("style", ["great-wave", "starry-night"])
def test_tiles_are_the_whole_frame_with_the_same_statistics(
    whole: Stylizer, tiled: Stylizer, frame: Image, style: str
) -> None:
    for stylizer in (whole, tiled):
        stylizer.set_style(style, strength=1.0)
    made = tiled.stylize(frame)
    wanted = whole.stylize(frame, statistics=made.statistics).image
    assert np.abs(made.image.astype(int) - wanted).max() <= 1


def test_the_statistics_are_those_of_the_frame_as_it_looks_when_shrunk(
    whole: Stylizer, tiled: Stylizer, frame: Image
) -> None:
    for stylizer in (whole, tiled):
        stylizer.set_style("great-wave", strength=1.0)
    difference = np.abs(tiled(frame).astype(int) - whole(frame)).mean()
    tile = whole(frame[:256, :256])  # with statistics of its own, as careless tiles have
    careless = np.abs(tile.astype(int) - whole(frame)[:256, :256]).mean()
    assert difference < careless / 2


def test_statistics_measured_in_cells_are_near_those_of_the_whole(
    whole: Stylizer, tiled: Stylizer, frame: Image
) -> None:
    wanted, found = whole.stylize(frame).statistics, tiled.stylize(frame).statistics
    places = {one.name: slice(one.start, one.start + one.size) for one in whole.manifest.statistics}
    mean, variance = places["0.mean"], places["0.variance"]
    deviation = np.sqrt(wanted[variance])
    assert (np.abs(found[mean] - wanted[mean]) / deviation).max() < 0.05
    assert np.median(np.sqrt(found[variance]) / deviation) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("tile", [256, 512])
def test_an_engine_that_measures_without_the_picture_gives_the_same(
    shipped: Path, frame: Image, tile: int
) -> None:
    pytest.importorskip("openvino")
    from hsi.runtime.openvino_engine import OpenVinoEngine

    bundle = Bundle(shipped)
    engine, tiling = OpenVinoEngine(bundle, 1), Tiling(bundle.manifest.frame, side=tile, above=1)
    code = engine.encode_style(frame[None, :96, :128].copy())
    fed = np.zeros((1, bundle.manifest.statistics_size), np.float32)
    zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)

    class Plain:
        stylize = staticmethod(engine.stylize)

    alone, beside = (
        TiledStatistics(measuring, tiling, bundle.manifest.statistics).measure(
            frame[None], code, fed, zero, one
        )
        for measuring in (engine, cast("Engine", Plain()))
    )
    engine.close()
    np.testing.assert_allclose(alone, beside, rtol=1e-4, atol=1e-4)  # kernels may be others


class Looking:
    """Remembers what it is to measure."""

    def __init__(self) -> None:
        self.seen: list[Image] = []

    def measure(self, frames: Image, *vectors: Vectors) -> Vectors:
        self.seen.append(frames)
        return vectors[1]


@pytest.mark.parametrize(
    ("frame_size", "tile", "seen", "columns"),
    [
        ((4096, 4099), 4096, (1024, 1024), 1),  # 3.8 times, so 4 times, less what is left over
        ((2560, 1440), 1920, (1920, 1080), 1),  # 1.3 times
        ((4096, 4096), 512, (512, 512), 2),  # in four cells
        ((150, 150_000), 256, (64, 255), 1),  # a third would be narrower than the network takes
    ],
)
def test_what_is_measured_is_the_frame_shrunk(
    shipped: Path, frame_size: tuple[int, int], tile: int, seen: tuple[int, int], columns: int
) -> None:
    manifest = Bundle(shipped).manifest
    engine, tiling = Looking(), Tiling(manifest.frame, side=tile, above=1)
    width, height = frame_size
    ramp = np.linspace(0, 255, width).astype(np.uint8)[None, None, :, None]
    frame = np.ascontiguousarray(np.broadcast_to(ramp, (1, height, width, 3)))
    fed, zero = np.zeros((1, manifest.statistics_size), np.float32), np.zeros((1, 1), np.float32)

    measured = TiledStatistics(cast("Engine", engine), tiling, manifest.statistics)
    measured.measure(frame, fed, fed, zero, zero)

    assert {one.shape[2:0:-1] for one in engine.seen} == {seen}
    row = np.concatenate([one[0, 0, :, 0] for one in engine.seen[:columns]])
    assert np.abs(row - np.linspace(0, 255, len(row))).max() < 3


def test_statistics_fed_in_are_mixed_with_the_frames_own(tiled: Stylizer, frame: Image) -> None:
    own = tiled.stylize(frame).statistics
    other = tiled.stylize(frame[:200, :300]).statistics
    mixed = tiled.stylize(frame, statistics=other, statistics_weight=0.5).statistics
    size = tiled.manifest.statistics[0].size  # the means of the first module
    np.testing.assert_allclose(mixed[:size], (own + other)[:size] / 2, rtol=1e-3, atol=1e-3)
    fed = tiled.stylize(frame, statistics=other)
    assert np.array_equal(fed.statistics, other)


def test_no_strength_is_the_frame_itself(tiled: Stylizer, frame: Image) -> None:
    tiled.set_style("great-wave", strength=0.0)
    assert np.array_equal(tiled(frame), frame)


def test_a_frame_may_be_larger_than_the_network_takes(whole: Stylizer, tiled: Stylizer) -> None:
    frame = np.zeros((64, 8200, 3), np.uint8)
    assert tiled(frame).shape == frame.shape
    with pytest.raises(FrameError, match="expected sides from 64 to 8192 pixels, found 8200x64"):
        whole(frame)
    with pytest.raises(FrameError, match="expected sides from 64 to 8192 pixels, found 8200x63"):
        tiled(frame[:63])


def test_a_stream_is_steady_in_tiles_too(tiled: Stylizer, frame: Image) -> None:
    tiled.set_style("great-wave", strength=1.0)
    stream = Stream(tiled, look=Look(style_scale=None))
    random = np.random.default_rng(0)
    made, alone = [], []
    for number in range(2):
        noisy = np.clip(frame + random.normal(0, 3, frame.shape), 0, 255).astype(np.uint8)
        made.append(stream(noisy, time_s=number / 25).astype(int))
        alone.append(tiled(noisy).astype(int))
    assert np.abs(made[1] - made[0]).mean() < np.abs(alone[1] - alone[0]).mean() / 2
