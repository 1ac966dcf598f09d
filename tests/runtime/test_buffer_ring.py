from __future__ import annotations

import numpy as np

from hsi.runtime.buffer_ring import BufferRing
from hsi.runtime.frame import Frame, Image


def _copy(frame: Frame, *, out: Image | None = None) -> Image:
    assert out is not None
    out[:] = frame.image
    return out


def _frame(value: int, height: int = 4) -> Frame:
    image = np.full((height, 6, 3), value, np.uint8)
    return Frame(image=image, number=value, time_s=value / 25, source="a")


def test_results_of_the_last_calls_differ() -> None:
    ring = BufferRing(_copy, slots=3)
    results = [ring(_frame(value)) for value in (1, 2, 3)]
    assert [result[0, 0, 0] for result in results] == [1, 2, 3]


def test_buffers_are_used_again() -> None:
    ring = BufferRing(_copy, slots=2)
    first = ring(_frame(1))
    ring(_frame(2))
    assert ring(_frame(3)) is first


def test_another_size_leaves_old_results_alone() -> None:
    ring = BufferRing(_copy, slots=2)
    old = ring(_frame(1))
    for value in (2, 3, 4):
        ring(_frame(value, height=8))
    assert (old == 1).all()
