"""The gauge is near 0 inside the calibration set, beyond 1 outside, and warns once."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pytest

from hsi.runtime.drift import DriftGauge
from hsi.runtime.drift_reference import DriftReference, StatisticsRange, colour_quantiles
from hsi.runtime.frame import Image

INSIDE = np.array([0.5, 0.5, 9.0], np.float32)  # the last has no bounds


@pytest.fixture
def make_gauge(photo: Image) -> Callable[[], DriftGauge]:
    """A gauge whose set is one photograph."""
    reference = DriftReference(
        colours=(tuple(map(float, colour_quantiles(photo).ravel())),),
        edge=10.0,
        statistics=(StatisticsRange(name="0.mean", start=0, low=(0.0, 0.0), high=(1.0, 1.0)),),
    )
    return lambda: DriftGauge(reference)


@pytest.fixture
def gauge(make_gauge: Callable[[], DriftGauge]) -> DriftGauge:
    return make_gauge()


def test_a_frame_of_the_set_has_not_drifted(gauge: DriftGauge, photo: Image) -> None:
    assert gauge.drift(photo, INSIDE) < 0.01


def test_light_that_changes_by_the_edge_is_a_drift_of_one(gauge: DriftGauge, photo: Image) -> None:
    shown = np.clip(photo, 0, 245) + 10
    drift = gauge.drift(shown, INSIDE)

    assert 0.9 < drift < 1.05
    assert gauge.drift((photo * 0.5).astype(np.uint8), INSIDE) > 2


def test_statistics_beyond_their_bounds_are_drift(gauge: DriftGauge, photo: Image) -> None:
    for beyond in (np.array([-0.1, 0.5, 0], np.float32), np.array([0.5, 1.1, 0], np.float32)):
        assert gauge.drift(photo, beyond) == pytest.approx(5)


def test_the_value_follows_within_seconds_and_not_at_once(gauge: DriftGauge) -> None:
    assert gauge.value is None
    assert gauge.follow(0.0, 0.25) == 0
    assert gauge.follow(2.0, 0.25) < 1
    for _ in range(12):
        gauge.follow(2.0, 0.25)

    assert gauge.value is not None and gauge.value > 1.8


def warnings_over(gauge: DriftGauge, drifts: list[float], caplog: pytest.LogCaptureFixture) -> int:
    caplog.clear()
    for drift in drifts:
        gauge.follow(drift, 0.25)
    return sum(one.levelno == logging.WARNING for one in caplog.records)


def test_a_scene_that_has_left_is_told_once(
    gauge: DriftGauge, caplog: pytest.LogCaptureFixture
) -> None:
    assert warnings_over(gauge, [0.1] * 40 + [3.0] * 400, caplog) == 1
    assert "the scene has left the frames this bundle was calibrated on" in caplog.text
    assert "--collect DIR" in caplog.text


def test_what_passes_by_within_two_seconds_is_not_told(
    gauge: DriftGauge, caplog: pytest.LogCaptureFixture
) -> None:
    assert warnings_over(gauge, ([0.1] * 20 + [3.0] * 8) * 20, caplog) == 0


def test_a_scene_that_comes_and_goes_is_told_once(
    gauge: DriftGauge, caplog: pytest.LogCaptureFixture
) -> None:
    assert warnings_over(gauge, ([3.0] * 40 + [0.1] * 40) * 20, caplog) == 1


def test_a_scene_at_the_edge_is_told_once(
    gauge: DriftGauge, caplog: pytest.LogCaptureFixture
) -> None:
    noise = np.random.default_rng(0).normal(1.1, 0.3, 4000)

    assert warnings_over(gauge, [float(one) for one in noise], caplog) == 1


def test_a_scene_that_was_back_for_long_is_told_anew(
    gauge: DriftGauge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    assert warnings_over(gauge, [3.0] * 40 + [0.1] * 200 + [3.0] * 40, caplog) == 2
    assert "the scene is back among the frames calibrated on" in caplog.text
