"""Streams through the shipped network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import hsi.runtime
from hsi.runtime import Look, Mask, Region, Stream, Stylizer
from hsi.runtime.errors import FrameError, OptionError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.scene_watch import SceneWatch

ALL = Look(
    keep_colour=True,
    protect=(Region(x=10, y=10, width=25, height=30, percent=True),),
    style_scale=16,
)


@pytest.fixture(scope="module")
def stylizer(shipped: Path) -> Iterator[Stylizer]:
    with hsi.runtime.load(shipped, engine="onnxruntime-cpu", threads=1, verify=False) as opened:
        opened.set_style("great-wave")
        yield opened


@pytest.fixture
def frames(photo: Image) -> list[Image]:
    """A scene at rest with noise."""
    random = np.random.default_rng(0)
    part = photo[100:260, 200:410]
    noisy = (part + random.normal(0, 3, part.shape) for _ in range(4))
    return [np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in noisy]


def _change(first: Image, second: Image) -> float:
    return float(cv2.absdiff(first, second).mean())


def test_without_stability_and_look_it_is_the_stylizer_to_the_bit(
    stylizer: Stylizer, frames: list[Image]
) -> None:
    stream = Stream(stylizer, look=Look(), stability=0)
    for number, frame in enumerate(frames):
        assert np.array_equal(stream(frame, time_s=number / 25), stylizer(frame))


def test_a_scene_at_rest_flickers_less(stylizer: Stylizer, frames: list[Image]) -> None:
    stream = Stream(stylizer)
    alone = [stylizer(frame) for frame in frames]
    made = [stream(frame, time_s=number / 25) for number, frame in enumerate(frames)]
    assert np.array_equal(made[0], alone[0])
    assert _change(made[-2], made[-1]) < _change(alone[-2], alone[-1]) / 2


def test_a_picture_by_itself_has_no_past(stylizer: Stylizer, frames: list[Image]) -> None:
    stream = Stream(stylizer)
    stream(frames[0], time_s=0)
    for time_s in (None, 1.0):
        assert np.array_equal(stream(frames[1], time_s=time_s), stylizer(frames[1]))


def test_another_source_and_picture_files_start_anew(
    stylizer: Stylizer, frames: list[Image], tmp_path: Path
) -> None:
    stream = Stream(stylizer)
    names = (("a", None), ("b", None), ("folder", tmp_path / "1.png"), ("folder", tmp_path))
    for number, (source, path) in enumerate(names):
        frame = Frame(
            image=frames[number], number=number, time_s=number / 25, source=source, path=path
        )
        assert np.array_equal(stream.play(frame), stylizer(frame.image))


def test_two_streams_of_one_stylizer_do_not_mix(stylizer: Stylizer, photo: Image) -> None:
    scenes = [photo[:128, :128], photo[300:428, 400:528]]
    together = [Stream(stylizer), Stream(stylizer)]
    mixed = [
        [stream(scene, time_s=t) for stream, scene in zip(together, scenes, strict=True)]
        for t in (0.0, 0.04, 0.08)
    ]
    for number, scene in enumerate(scenes):
        alone = Stream(stylizer)
        for row, t in zip(mixed, (0.0, 0.04, 0.08), strict=True):
            assert np.array_equal(row[number], alone(scene, time_s=t))


def test_protected_parts_are_the_frame_to_the_bit_whatever_else_is_set(
    stylizer: Stylizer, frames: list[Image]
) -> None:
    stream = Stream(stylizer, look=ALL)
    for number, frame in enumerate(frames):
        made = stream(frame, time_s=number / 25)
        box = ALL.protect[0].box((210, 160))  # type: ignore[union-attr]
        assert np.array_equal(made[box], frame[box])
        assert _change(made, frame) > 3


def test_a_mask_protects(stylizer: Stylizer, frames: list[Image]) -> None:
    mask = np.zeros((160, 210), np.uint8)
    mask[50:, 100:] = 255
    made = Stream(stylizer, look=Look(protect=(Mask(values=mask),)))(frames[0])
    assert np.array_equal(made[50:, 100:], frames[0][50:, 100:])
    assert np.array_equal(made[:50], stylizer(frames[0])[:50])


def test_strength_0_is_the_frame_itself_whatever_else_is_set(
    stylizer: Stylizer, frames: list[Image]
) -> None:
    stylizer.strength = 0
    try:
        for look in (Look(), Look(style_scale=16)):
            stream = Stream(stylizer, look=look)
            for number, frame in enumerate(frames):
                assert np.array_equal(stream(frame, time_s=number / 25), frame)
    finally:
        stylizer.strength = 1


def test_blends_and_half_strength_work_with_all_of_it(
    stylizer: Stylizer, frames: list[Image]
) -> None:
    stylizer.set_style([("great-wave", 0.6), ("the-scream", 0.4)], strength=0.5)
    try:
        half = Stream(stylizer, look=ALL)(frames[0])
        stylizer.strength = 1
        whole = Stream(stylizer, look=ALL)(frames[0])
    finally:
        stylizer.set_style("great-wave", strength=1)
    assert 0.3 < _change(half, frames[0]) / _change(whole, frames[0]) < 0.8


def test_the_callers_buffer_is_written_and_the_frame_is_not(
    stylizer: Stylizer, frames: list[Image]
) -> None:
    kept, out = frames[0].copy(), np.empty_like(frames[0])
    for look in (Look(), ALL):
        assert Stream(stylizer, look=look)(frames[0], time_s=0, out=out) is out
        assert np.array_equal(out, Stream(stylizer, look=look)(frames[0]))
    assert np.array_equal(frames[0], kept)
    with pytest.raises(FrameError, match="out: expected a buffer apart from the frame"):
        Stream(stylizer, look=ALL)(frames[0], out=frames[0])


def test_strokes_do_not_get_finer_with_more_pixels(stylizer: Stylizer, photo: Image) -> None:
    large = cv2.resize(photo, (3840, 2160), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    small = cv2.resize(large, (1920, 1080), interpolation=cv2.INTER_AREA).astype(np.uint8)
    of_large, of_small = Stream(stylizer)(large), Stream(stylizer)(small)
    size = (960, 540)
    pair = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (of_large, of_small)]
    assert _similarity(*pair) >= 0.85


def test_a_watch_sees_what_the_network_sees(stylizer: Stylizer, photo: Image) -> None:
    class Watch(SceneWatch):
        def see(self, frame: Image, statistics: Any, time_s: float | None) -> None:
            seen.append((frame.shape, len(statistics), time_s))

    seen: list[Any] = []
    stream = Stream(stylizer, look=Look(style_scale=4), watch=Watch(None))
    stream(photo, time_s=3.0)
    stream.play(Frame(image=photo, number=0, time_s=0, source="a", path=Path("a.png")))

    size = stylizer.manifest.statistics_size
    assert seen == [((270, 405, 3), size, 3.0), ((270, 405, 3), size, None)]


def test_a_region_outside_the_frame_is_refused(stylizer: Stylizer, frames: list[Image]) -> None:
    stream = Stream(stylizer, look=Look(protect=(Region(x=200, y=0, width=11, height=9),)))
    match = "protect: expected a rectangle inside the frame of 210x160, found 200,0,11,9"
    with pytest.raises(OptionError, match=match):
        stream(frames[0])


def _similarity(first: cv2.typing.MatLike, second: cv2.typing.MatLike) -> float:
    """SSIM of the luma, with the Gaussian window of 11 pixels of its paper."""
    x, y = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY).astype(np.float64) for p in (first, second))

    def mean(values: cv2.typing.MatLike) -> cv2.typing.MatLike:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ssim = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(ssim.mean())
