from __future__ import annotations

import pytest

from hsi.runtime.back_off import BackOff


def test_waits_double_up_to_the_longest() -> None:
    back_off = BackOff(0.25, 1.0, random=lambda: 1.0)
    assert [back_off.next_s() for _ in range(5)] == [0.25, 0.5, 1.0, 1.0, 1.0]


def test_waits_are_shortened_at_random_by_up_to_a_half() -> None:
    waits = {BackOff(1.0, 1.0).next_s() for _ in range(200)}
    assert len(waits) > 100
    assert 0.5 <= min(waits) < 0.6
    assert 0.9 < max(waits) <= 1.0


def test_waits_begin_anew_when_all_is_well() -> None:
    back_off = BackOff(0.25, 1.0, random=lambda: 1.0)
    for _ in range(4):
        back_off.next_s()
    back_off.note_good()
    assert back_off.next_s() == 0.25


def test_attempts_of_months_do_not_overflow() -> None:
    back_off = BackOff(0.25, 1.0, random=lambda: 1.0)
    assert {back_off.next_s() for _ in range(5000)} == {0.25, 0.5, 1.0}


def test_a_camera_that_comes_and_goes_is_given_a_pause() -> None:
    back_off = BackOff(0.25, 1.0, random=lambda: 1.0)
    waits = [back_off.note_broken(float(second)) for second in range(35)]
    assert max(waits[:29]) <= 1.0
    assert waits[29:] == [10.0] * 6


def test_a_camera_that_breaks_now_and_then_is_not() -> None:
    back_off = BackOff(0.25, 1.0)
    assert max(back_off.note_broken(second * 2.5) for second in range(100)) == pytest.approx(
        1.0, abs=0.3
    )
