from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hsi.benchmark import comparison
from hsi.benchmark.contestant import Contestant
from hsi.benchmark.options import BenchOptions
from hsi.benchmark.result import timing_of
from hsi.runtime.errors import EngineError


class Entrant:
    """A contestant that notes when it runs."""

    turns: list[str]

    def __init__(self, model: Any, asked: str, precision: Any, threads: Any, verify: bool) -> None:
        self.asked = self.engine = asked
        self.precision, self.memory_mib, self.device_mib = precision, 1.0, None
        self.compute_ms = {"fp32": 3.5}.get(precision)

    def prepare(self, frame: Any) -> None:
        pass

    def run(self, frame: Any, out: Any) -> None:
        self.turns.append(self.precision)

    def __enter__(self) -> Entrant:
        return self

    def __exit__(self, *reason: object) -> None:
        pass


def test_contestants_run_in_turn_and_all_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "Contestant", Entrant)
    Entrant.turns = []
    options = BenchOptions(precisions=("fp32", "int8"), sizes=((96, 64),), seconds=0.001)

    result = comparison.compare(options)

    rounds = result.rows[0].timing.rounds
    assert Entrant.turns == ["fp32", "int8"] * rounds
    assert result.copy[0].rounds == rounds >= 3
    assert [row.compute_ms for row in result.rows] == [3.5, None]


def test_percentiles_are_those_of_single_frames() -> None:
    timing = timing_of([float(value) for value in range(1, 102)])

    assert (timing.p50_ms, timing.p95_ms, timing.p99_ms) == (51, 96, 100)
    assert timing.per_second == pytest.approx(1e3 / 51)


def test_an_engine_that_is_not_the_one_asked_for_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Contestant(None, "onnxruntime-cpu", "fp32", 1, verify=False) as contestant:
        contestant.asked = "openvino"

        with pytest.raises(EngineError, match="openvino was asked for but onnxruntime-cpu ran"):
            contestant.prepare(np.zeros((64, 64, 3), np.uint8))
