from __future__ import annotations

import numpy as np

from hsi.runtime.buffer_pool import BufferPool
from hsi.runtime.frame import Frame, Image


def _copy(frame: Frame, *, out: Image | None = None) -> Image:
    assert out is not None
    out[:] = frame.image
    return out


def _frame(value: int, height: int = 4) -> Frame:
    image = np.full((height, 6, 3), value, np.uint8)
    return Frame(image=image, number=value, time_s=value / 25, source="a")


def test_results_that_are_kept_differ() -> None:
    pool = BufferPool(_copy)
    assert [pool(_frame(value))[0, 0, 0] for value in (1, 2, 3)] == [1, 2, 3]


def test_a_buffer_that_came_back_is_used_again() -> None:
    pool = BufferPool(_copy)
    first, second = pool(_frame(1)), pool(_frame(2))
    pool.give_back(first)
    assert pool(_frame(3)) is first
    assert (second == 2).all()


def test_another_size_gets_other_buffers() -> None:
    pool = BufferPool(_copy)
    old = pool(_frame(1))
    pool.give_back(old)
    assert pool(_frame(2, height=8)).shape == (8, 6, 3)
    pool.give_back(old)
    assert pool(_frame(3, height=8)) is not old
