from __future__ import annotations

import numpy as np
import pytest

from hsi.runtime.frame import Image
from hsi.runtime.still_filter import StillFilter

MEMORY = 0.9


def _noisy(seed: int, sigma: float = 3, level: int = 100) -> Image:
    noise = np.random.default_rng(seed).normal(0, sigma, (120, 160, 3))
    return np.clip(np.rint(level + noise), 0, 255).astype(np.uint8)


def _even(level: int) -> Image:
    return np.full((120, 160, 3), level, np.uint8)


def test_the_first_picture_stays_as_it_is() -> None:
    picture = _noisy(0)
    StillFilter().smooth(_even(5), picture, 0.0)
    assert np.array_equal(picture, _noisy(0))


def test_noise_of_a_scene_at_rest_goes() -> None:
    still, pictures = StillFilter(), []
    for number in range(30):
        picture = _noisy(number, sigma=20)
        still.smooth(_noisy(100 + number), picture, MEMORY)
        pictures.append(picture.astype(int))
    before = np.abs(_noisy(28, 20).astype(int) - _noisy(29, 20)).mean()
    assert np.abs(pictures[-1] - pictures[-2]).mean() < before / 8


def test_a_picture_that_changes_by_little_is_reached_in_the_end() -> None:
    # In 8 bits the mean would stop some levels short, for ever.
    still = StillFilter()
    still.smooth(_even(100), _even(100), 0.0)
    for _ in range(150):
        picture = _even(104)
        still.smooth(_even(100), picture, 0.95)
    assert (picture == 104).all()


def test_what_moves_leaves_no_ghost() -> None:
    still = StillFilter()
    for number in range(12):
        frame = _even(100)
        frame[40:80, 8 * number : 8 * number + 40] = 160
        picture = frame.copy()
        still.smooth(frame, picture, 0.0 if number == 0 else MEMORY)
        assert np.array_equal(picture, frame)


def test_the_rest_of_the_scene_is_smoothed_while_something_moves() -> None:
    still = StillFilter()
    for number in range(2):
        frame = _even(100)
        frame[:40, 40 * number : 40 * number + 40] = 160
        picture = _even(100 + 20 * number)
        still.smooth(frame, picture, 0.5 * number)
    assert (picture[:40, :80] == 120).all()
    assert (picture[80:] == 110).all()


def test_a_slow_change_adds_up_until_it_is_seen() -> None:
    still = StillFilter()
    for level in range(100, 160):
        picture = _even(level)
        still.smooth(_even(level), picture, 0.0 if level == 100 else 0.98)
        assert level - picture.max() < 15


def test_a_reset_forgets() -> None:
    still, picture = StillFilter(), _even(200)
    still.smooth(_even(100), _even(0), 0.0)
    still.reset()
    still.smooth(_even(100), picture, MEMORY)
    assert (picture == 200).all()


@pytest.mark.parametrize("size", [(64, 64), (65, 301), (541, 999)])
def test_any_size(size: tuple[int, int]) -> None:
    still, picture = StillFilter(), np.full((*size, 3), 50, np.uint8)
    still.smooth(picture, picture.copy(), 0.0)
    still.smooth(picture, picture, MEMORY)
    assert (picture == 50).all()
