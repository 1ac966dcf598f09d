"""The sampler takes frames that differ."""

import numpy as np

from hsi.calibrate.sampler import descriptors_of, farthest_points
from hsi.runtime.frame import Image


def flat(value: int) -> Image:
    return np.full((64, 64, 3), value, np.uint8)


def test_twins_come_last() -> None:
    points = np.array([[0.0], [0.1], [0.0], [9.0], [5.0]], np.float32)

    order = farthest_points(points, 5)

    assert set(order) == {0, 1, 2, 3, 4}
    assert set(order[:3]) >= {3} and order[-1] in (0, 2)


def test_the_farthest_frame_follows_the_most_ordinary_one() -> None:
    points = np.array([[0.0], [1.0], [2.0], [30.0]], np.float32)

    assert farthest_points(points, 2) == [2, 3]


def test_the_choice_is_the_same_each_time() -> None:
    points = np.random.default_rng(0).random((50, 8)).astype(np.float32)

    assert farthest_points(points, 9) == farthest_points(points, 9)


def test_more_frames_than_there_are_means_all() -> None:
    assert sorted(farthest_points(np.eye(3, dtype=np.float32), 9)) == [0, 1, 2]


def test_no_frames_give_no_choice() -> None:
    assert farthest_points(np.zeros((0, 4), np.float32), 3) == []


def test_descriptors_are_one_row_a_frame() -> None:
    assert descriptors_of([flat(128), flat(230), flat(7)]).shape == (3, 224)
