from __future__ import annotations

import numpy as np
import pytest

from hsi.runtime.stage_times import STAGES, StageTimes


def test_percentiles_are_within_one_percent() -> None:
    times = StageTimes()
    values_ms = np.random.default_rng(0).lognormal(3, 1, 20000)
    for value_ms in values_ms:
        times.add("infer", value_ms / 1000)
    found = times.summary()["infer"]
    assert found.p50_ms == pytest.approx(np.percentile(values_ms, 50), rel=0.012)
    assert found.p95_ms == pytest.approx(np.percentile(values_ms, 95), rel=0.012)
    assert found.mean_ms == pytest.approx(values_ms.mean())
    assert found.count == 20000


def test_a_stage_that_never_ran_has_zeros() -> None:
    summary = StageTimes().summary()
    assert tuple(summary) == STAGES
    assert {(s.count, s.mean_ms, s.p50_ms, s.p95_ms) for s in summary.values()} == {(0, 0, 0, 0)}


def test_extremes_stay_in_range() -> None:
    times = StageTimes()
    times.add("output", 0.0)
    times.add("output", 1e6)
    found = times.summary()["output"]
    assert found.p50_ms < 0.01
    assert found.p95_ms > 1e6


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(KeyError, match="lunch"):
        StageTimes().add("lunch", 1.0)
