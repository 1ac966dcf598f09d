"""Frames, buffers and statistics; its styles are in `test_stylizer_styles`."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from hsi.runtime import Stylizer
from hsi.runtime.errors import EngineError, FrameError, OptionError
from hsi.runtime.frame import Image
from tests.runtime.fake_engine import FakeEngine, even


def test_a_frame_becomes_another_picture_of_its_size(stylizer: Stylizer, frame: Image) -> None:
    kept = frame.copy()
    made = stylizer(frame)
    assert made.shape == frame.shape
    assert made.dtype == np.uint8
    assert np.abs(made.astype(int) - frame).mean() > 5
    assert np.array_equal(frame, kept)


@pytest.mark.parametrize("size", [(64, 64), (65, 64), (71, 113), (200, 66)])
def test_any_size_from_64_pixels(stylizer: Stylizer, photo: Image, size: tuple[int, int]) -> None:
    assert stylizer(photo[: size[1], : size[0]]).shape == (size[1], size[0], 3)


def test_strength_0_is_the_frame_itself_to_the_bit(stylizer: Stylizer, photo: Image) -> None:
    stylizer.strength = 0
    noise = np.random.default_rng(0).integers(0, 256, (77, 90, 3)).astype(np.uint8)
    for picture in (photo, noise):
        assert np.array_equal(stylizer(picture), picture)


def test_strength_goes_from_the_frame_to_the_style(stylizer: Stylizer, frame: Image) -> None:
    whole = stylizer(frame).astype(int)
    stylizer.strength = 0.5
    assert stylizer.strength == 0.5
    half = stylizer(frame)
    assert np.abs(half - (whole + frame) / 2).mean() < 2


def test_the_callers_buffer_is_written_and_returned(stylizer: Stylizer, frame: Image) -> None:
    wanted = stylizer(frame)
    out = np.zeros_like(frame)
    assert stylizer(frame, out=out) is out
    assert np.array_equal(out, wanted)
    assert stylizer.stylize(frame, out=out).image is out


def test_two_results_do_not_share_memory(stylizer: Stylizer, frame: Image) -> None:
    first, second = stylizer.stylize(frame), stylizer.stylize(frame)
    assert not np.shares_memory(first.image, second.image)
    assert not np.shares_memory(first.statistics, second.statistics)


def test_a_contiguous_frame_and_the_buffer_reach_the_engine_uncopied(
    fake_stylizer: Stylizer, fake_engine: FakeEngine
) -> None:
    frame, out = even(1), even(2)
    fake_stylizer(frame, out=out)
    assert np.shares_memory(fake_engine.frames[0], frame)
    assert np.shares_memory(fake_engine.outs[0], out)


def test_a_frame_that_is_not_contiguous_gives_the_same_picture(
    stylizer: Stylizer, frame: Image
) -> None:
    wide = np.zeros((*frame.shape[:2], 4), np.uint8)
    wide[..., :3] = frame
    assert np.array_equal(stylizer(wide[..., :3]), stylizer(frame))


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (
            np.zeros((70, 80, 3), np.float32),
            "frame: expected a NumPy array of uint8, found float32",
        ),
        (np.zeros((70, 80), np.uint8), r"frame: expected \(H, W, 3\) BGR, found shape \(70, 80\)"),
        (np.zeros((0, 80, 3), np.uint8), "frame: expected pixels, found none"),
        (
            np.zeros((70, 63, 3), np.uint8),
            "frame: expected sides from 64 to 8192 pixels, found 63x",
        ),
        (
            np.zeros((64, 8193, 3), np.uint8),
            "frame: expected sides from 64 to 8192 pixels, found 8",
        ),
        ([1, 2, 3], "frame: expected a NumPy array of uint8, found list"),
    ],
)
def test_a_bad_frame(
    fake_stylizer: Stylizer, fake_engine: FakeEngine, frame: Any, match: str
) -> None:
    with pytest.raises(FrameError, match=match):
        fake_stylizer(frame)
    assert not fake_engine.frames
    assert not fake_engine.encoded  # nor was time spent on the default style


def test_a_bad_buffer(fake_stylizer: Stylizer) -> None:
    frame = even(1)
    with pytest.raises(
        FrameError, match=r"out: expected uint8 of shape \(70, 80, 3\), found uint8 o"
    ):
        fake_stylizer(frame, out=even(1, 71))
    with pytest.raises(FrameError, match="out: expected a buffer apart from the frame"):
        fake_stylizer(frame, out=frame)


def test_statistics_fed_back_give_the_same_picture(stylizer: Stylizer, frame: Image) -> None:
    own = stylizer.stylize(frame)
    assert own.statistics.shape == (stylizer.manifest.statistics_size,)
    again = stylizer.stylize(frame, statistics=own.statistics)
    assert np.abs(again.image.astype(int) - own.image).max() <= 1
    np.testing.assert_allclose(again.statistics, own.statistics, rtol=1e-5, atol=1e-5)


def test_statistics_of_another_frame_change_the_picture(
    stylizer: Stylizer, frame: Image, photo: Image
) -> None:
    own, other = stylizer.stylize(frame), stylizer.stylize(photo[300:400, 400:500])
    fed = stylizer.stylize(frame, statistics=other.statistics)
    np.testing.assert_allclose(fed.statistics, other.statistics, rtol=1e-5, atol=1e-5)
    assert np.abs(fed.image.astype(int) - own.image).max() > 5
    unused = stylizer.stylize(frame, statistics=other.statistics, statistics_weight=0)
    assert np.array_equal(unused.image, own.image)


def test_statistics_at_a_weight_are_an_exponential_mean(
    stylizer: Stylizer, frame: Image, photo: Image
) -> None:
    own = stylizer.stylize(frame).statistics
    fed = stylizer.stylize(photo[300:400, 400:500]).statistics
    used = stylizer.stylize(frame, statistics=fed, statistics_weight=0.75).statistics
    first = stylizer.manifest.statistics[:2]  # mean and variance of the first module
    assert [one.name for one in first] == ["0.mean", "0.variance"]
    moments = slice(0, sum(one.size for one in first))
    expected = 0.25 * own[moments] + 0.75 * fed[moments]
    np.testing.assert_allclose(used[moments], expected, rtol=1e-4, atol=1e-4)


def test_a_tile_with_the_frames_statistics_is_a_cut_of_the_whole(
    stylizer: Stylizer, photo: Image
) -> None:
    whole = stylizer.stylize(photo)
    contract = stylizer.manifest.frame
    half = contract.receptive_field // 2
    margin = -(-half // contract.stride) * contract.stride
    top, left = 16 * contract.stride, 20 * contract.stride
    tile = photo[top : top + 2 * margin + 100, left : left + 2 * margin + 131]
    inside = np.s_[margin : margin + 100, margin : margin + 131]
    wanted = whole.image[top:, left:][inside].astype(int)
    seam_free = stylizer.stylize(tile, statistics=whole.statistics).image
    assert np.abs(seam_free[inside] - wanted).max() <= 1
    alone = stylizer(tile)
    assert np.abs(alone[inside] - wanted).max() > 1


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), None])
def test_a_statistics_weight_outside_0_to_1(fake_stylizer: Stylizer, weight: Any) -> None:
    with pytest.raises(OptionError, match=r"statistics_weight must lie in \[0, 1\]"):
        fake_stylizer.stylize(even(1), statistics=np.zeros(7, np.float32), statistics_weight=weight)


def test_statistics_of_another_network(fake_stylizer: Stylizer) -> None:
    with pytest.raises(FrameError, match=r"statistics: expected 7 numbers .*, found shape \(8,\)"):
        fake_stylizer.stylize(even(1), statistics=np.zeros(8, np.float32))


def test_several_threads_may_stylise(stylizer: Stylizer, photo: Image) -> None:
    frames = [photo[:64, n : n + 70].copy() for n in range(4)]
    wanted = [stylizer(frame) for frame in frames]
    made: dict[int, Image] = {}

    def work(number: int) -> None:
        made[number] = stylizer(frames[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(made[number], wanted[number]) for number in range(4))


def test_a_closed_stylizer_says_so(fake_stylizer: Stylizer, fake_engine: FakeEngine) -> None:
    with fake_stylizer:
        fake_stylizer(even(1))
    fake_stylizer.close()
    assert fake_engine.closed
    for use in (
        lambda: fake_stylizer(even(1)),
        fake_stylizer.self_test,
        lambda: fake_stylizer.encode_style(even(7)),
    ):
        with pytest.raises(EngineError, match="this stylizer is closed: load the bundle again"):
            use()
