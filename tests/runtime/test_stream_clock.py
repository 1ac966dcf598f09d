from __future__ import annotations

from collections.abc import Callable

import pytest

from hsi.runtime.frame import Frame
from hsi.runtime.stream_clock import StreamClock


def test_time_starts_at_zero_and_keeps_uneven_distances(make_frame: Callable[..., Frame]) -> None:
    clock = StreamClock(0.04)
    times = [clock.at(make_frame(n, time_s=t)) for n, t in enumerate([1.4, 1.5, 1.51, 2.0])]
    assert times == pytest.approx([0, 0.1, 0.11, 0.6])


def test_the_next_source_goes_on_one_period_later(make_frame: Callable[..., Frame]) -> None:
    clock = StreamClock(0.04)
    frames = [make_frame(time_s=5.0, source="a"), make_frame(time_s=5.2, source="a")]
    frames += [make_frame(time_s=9.0, source="b"), make_frame(time_s=9.1, source="b")]
    assert [clock.at(frame) for frame in frames] == pytest.approx([0, 0.2, 0.24, 0.34])


def test_a_clock_that_jumps_back_goes_on_one_period_later(make_frame: Callable[..., Frame]) -> None:
    clock = StreamClock(0.04)
    times = [clock.at(make_frame(time_s=t)) for t in (3.0, 3.1, 0.0, 0.1)]
    assert times == pytest.approx([0, 0.1, 0.14, 0.24])
