from __future__ import annotations

import time

import pytest

from hsi.runtime.recent_times import RecentTimes


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_percentiles_are_those_of_the_last_ten_seconds(clock: list[float]) -> None:
    times = RecentTimes()
    times.add("infer", 5.0)
    clock[0] += 11
    for ms in range(1, 101):
        times.add("infer", ms / 1000)
    found = times.summary()["infer"]
    assert (found.count, found.p50_ms, found.p95_ms, found.p99_ms) == (100, 50, 95, 99)
    assert found.mean_ms == pytest.approx(50.5)


def test_a_stage_that_did_not_run_has_zeros(clock: list[float]) -> None:
    found = RecentTimes().summary()["output"]
    assert (found.count, found.p50_ms, found.p99_ms) == (0, 0, 0)


@pytest.mark.parametrize("seconds", [1, 3, 9, 60])
def test_a_rate_is_what_it_is_however_long_it_runs(clock: list[float], seconds: int) -> None:
    times = RecentTimes()
    for _ in range(seconds * 25):
        clock[0] += 1 / 25
        times.add("capture", 0.0)
    assert times.rate_hz("capture") == pytest.approx(25, rel=0.03)


def test_a_fast_rate_fits_into_what_is_kept(clock: list[float]) -> None:
    times = RecentTimes()
    for _ in range(5000):
        clock[0] += 1 / 500
        times.add("capture", 0.0)
    assert times.rate_hz("capture") == pytest.approx(500, rel=0.03)


def test_what_has_stopped_has_no_rate(clock: list[float]) -> None:
    times = RecentTimes()
    times.add("capture", 0.0)
    clock[0] += 4
    assert times.rate_hz("capture") == 0


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(KeyError, match="nothing"):
        RecentTimes().add("nothing", 1.0)
