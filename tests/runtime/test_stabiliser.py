from __future__ import annotations

import itertools
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image
from hsi.runtime.stabiliser import MEMORY_S, Stabiliser
from hsi.runtime.style_code import StyleCode
from hsi.runtime.stylizer import Stylised, Stylizer

STEP_S = 0.04


def _style() -> StyleCode:
    return StyleCode(values=np.zeros(3, np.float32), encoder="none")


class FakeStylizer:
    """Its statistics are the mean of the frame; its picture is even, of a level to be set."""

    def __init__(self) -> None:
        self.style, self.strength, self.level = _style(), 1.0, 50
        self.weights: list[float] = []
        self.next_style: StyleCode | None = None

    def stylize(
        self,
        frame: Image,
        *,
        statistics: npt.NDArray[np.float32] | None = None,
        statistics_weight: float = 1.0,
        out: Image | None = None,
    ) -> Stylised:
        if self.next_style is not None:  # as if another thread had come between
            self.style, self.next_style = self.next_style, None
        weight = 0.0 if statistics is None else statistics_weight
        self.weights.append(weight)
        own = np.array([frame.mean()], np.float32)
        used = own if statistics is None else own + np.float32(weight) * (statistics - own)
        image = np.empty_like(frame) if out is None else out
        image[:] = self.level
        return Stylised(image=image, statistics=used, style=self.style, strength=self.strength)


@pytest.fixture
def fake() -> FakeStylizer:
    return FakeStylizer()


def _frame(level: int = 100, size: tuple[int, int] = (70, 90)) -> Image:
    return np.full((*size, 3), level, np.uint8)


def _play(fake: FakeStylizer, stabiliser: Stabiliser, frames: list[Image], step_s: float) -> Any:
    # A stylizer is all that a stabiliser sees of it.
    stylizer = cast(Stylizer, fake)
    times = itertools.count(0, step_s)
    return [
        stabiliser.stylize(stylizer, frame, time_s=time_s)
        for frame, time_s in zip(frames, times, strict=False)
    ]


def test_statistics_are_an_exponential_mean(fake: FakeStylizer) -> None:
    made = _play(fake, Stabiliser(0.25), [_frame(100), _frame(104)], STEP_S)
    share = np.exp(-STEP_S / (0.25 * MEMORY_S))
    assert fake.weights == [0, pytest.approx(share)]
    assert made[1].statistics[0] == pytest.approx(104 - 4 * share, rel=1e-4)


@pytest.mark.parametrize("fps", [5, 25, 60, 240])
def test_the_time_constant_does_not_depend_on_the_frame_rate(fake: FakeStylizer, fps: int) -> None:
    frames = [_frame(100)] + [_frame(104)] * fps  # one second of another light
    fake.level = 50
    stabiliser = Stabiliser(0.5)
    _play(fake, stabiliser, frames[:1], 1 / fps)
    fake.level = 150
    stylizer = cast(Stylizer, fake)
    for number in range(1, fps + 1):
        last = stabiliser.stylize(stylizer, frames[number], time_s=number / fps)
    left = np.exp(-1 / (0.5 * MEMORY_S))
    assert last.statistics[0] == pytest.approx(104 - 4 * left, abs=0.01)
    assert last.image.mean() == pytest.approx(150 - 100 * left, abs=1)


def test_a_scene_cut_starts_anew(fake: FakeStylizer) -> None:
    frames = [_frame(100), _frame(101), _frame(140), _frame(140)]
    fake.level = 50
    stabiliser = Stabiliser()
    made = _play(fake, stabiliser, frames, STEP_S)
    assert [weight > 0 for weight in fake.weights] == [False, True, False, True]
    assert made[2].statistics[0] == 140


def test_the_picture_after_a_cut_is_the_stylizers_own(fake: FakeStylizer) -> None:
    stabiliser, stylizer = Stabiliser(), cast(Stylizer, fake)
    stabiliser.stylize(stylizer, _frame(100), time_s=0)
    fake.level = 200
    assert (stabiliser.stylize(stylizer, _frame(140), time_s=STEP_S).image == 200).all()


def test_a_moving_thing_is_no_cut(fake: FakeStylizer) -> None:
    frames = []
    for number in range(5):
        frame = _frame(100)
        frame[:, 15 * number : 15 * number + 10] = 220
        frames.append(frame)
    _play(fake, Stabiliser(), frames, STEP_S)
    assert all(weight > 0 for weight in fake.weights[1:])


@pytest.mark.parametrize("change", ["style", "strength", "size", "clock"])
def test_a_change_starts_anew(fake: FakeStylizer, change: str) -> None:
    stabiliser, stylizer = Stabiliser(), cast(Stylizer, fake)
    stabiliser.stylize(stylizer, _frame(), time_s=7)
    fake.level = 200
    if change == "style":
        fake.style = _style()
    elif change == "strength":
        fake.strength = 0.5
    size = (70, 91) if change == "size" else (70, 90)
    time_s = 7.0 if change == "clock" else 7 + STEP_S
    made = stabiliser.stylize(stylizer, _frame(size=size), time_s=time_s)
    assert (made.image == 200).all()
    if change != "strength":  # on which statistics do not depend
        assert fake.weights[-1] == 0


def test_a_style_set_while_a_frame_is_on_its_way_gets_no_foreign_statistics(
    fake: FakeStylizer,
) -> None:
    stabiliser, stylizer = Stabiliser(), cast(Stylizer, fake)
    stabiliser.stylize(stylizer, _frame(), time_s=0)
    fake.next_style = _style()
    made = stabiliser.stylize(stylizer, _frame(), time_s=STEP_S)
    assert fake.weights[-1] == 0
    assert made.style is fake.style


def test_without_strength_nothing_is_smoothed(fake: FakeStylizer) -> None:
    fake.strength = 0.0
    stabiliser, stylizer = Stabiliser(), cast(Stylizer, fake)
    for fake.level in (50, 55):
        made = stabiliser.stylize(stylizer, _frame(), time_s=fake.level / 100)
    assert (made.image == 55).all()


def test_stability_0_remembers_nothing(fake: FakeStylizer) -> None:
    _play(fake, Stabiliser(0), [_frame()] * 3, STEP_S)
    assert fake.weights == [0, 0, 0]


def test_two_stabilisers_do_not_share_their_past(fake: FakeStylizer) -> None:
    one, other, stylizer = Stabiliser(), Stabiliser(), cast(Stylizer, fake)
    one.stylize(stylizer, _frame(100), time_s=0)
    fake.level = 90
    other.stylize(stylizer, _frame(102), time_s=0)
    assert fake.weights == [0, 0]
    fake.level = 50
    assert (one.stylize(stylizer, _frame(100), time_s=STEP_S).image == 50).all()


def test_the_callers_buffer_is_written(fake: FakeStylizer) -> None:
    stabiliser, stylizer = Stabiliser(), cast(Stylizer, fake)
    for fake.level, time_s in ((50, 0.0), (150, 1.0)):
        out = _frame()
        made = stabiliser.stylize(stylizer, _frame(), time_s=time_s, out=out)
        assert made.image is out
    assert out.mean() == pytest.approx(150 - 100 * np.exp(-1), abs=1)


@pytest.mark.parametrize("stability", [-0.1, 2, float("nan"), None, "1"])
def test_a_stability_outside_0_to_1(stability: Any) -> None:
    with pytest.raises(OptionError, match=r"stability must lie in \[0, 1\], got"):
        Stabiliser(stability)
