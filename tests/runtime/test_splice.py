from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hsi.runtime.frame import Frame
from hsi.runtime.splice import Splice


def test_numbers_and_times_go_on_through_an_outage(make_frame: Callable[..., Frame]) -> None:
    splice = Splice()
    first: Any = object()
    second: Any = object()
    before = [splice.joined(make_frame(n), first, 10 + n / 25) for n in range(3)]
    after = [splice.joined(make_frame(n), second, 20 + n / 25) for n in range(2)]
    assert [frame.number for frame in before + after] == [0, 1, 2, 3, 4]
    assert [frame.time_s for frame in before] == [0, 0.04, 0.08]
    assert [frame.time_s for frame in after] == pytest.approx([10.0, 10.04])


def test_a_camera_that_never_fails_is_left_as_it_is(make_frame: Callable[..., Frame]) -> None:
    splice = Splice()
    source: Any = object()
    for number in (0, 1, 5):
        frame = make_frame(number)
        assert splice.joined(frame, source, float(number)).number == number
