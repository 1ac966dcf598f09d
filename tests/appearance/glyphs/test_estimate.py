"""Intervals hold the value, shrink with more pairs, and are those of the mean."""

import numpy as np
import pytest

from hsi.appearance.glyphs.estimate import mean_estimate, ratio_estimate


def test_an_interval_of_the_mean_is_two_standard_errors_wide_to_each_side() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)

    found = mean_estimate(values)

    error = values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.value - found.low == pytest.approx(1.96 * error, rel=0.1)
    assert found.high - found.value == pytest.approx(1.96 * error, rel=0.1)


def test_equal_values_leave_no_doubt() -> None:
    found = mean_estimate(np.full(10, 0.5))

    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5)


def test_a_ratio_draws_both_sides_of_a_pair_together() -> None:
    reference = np.random.default_rng(1).uniform(0.1, 1, 50)

    found = ratio_estimate(reference / 2, reference)

    assert found.low == pytest.approx(0.5)
    assert found.high == pytest.approx(0.5)


def test_an_estimate_is_printed_with_its_interval() -> None:
    assert str(mean_estimate(np.full(4, 0.25))) == "0.250 (0.250-0.250)"
