"""Whether growth is told from chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.process_samples import Growth, Sample, growth_of, slope_of


def samples(heap_mb_per_hour: float = 0.0) -> list[Sample]:
    """One a second for half an hour."""
    start = Sample(at_s=0, heap_mb=100, memory_mb=250, descriptors=18, threads=46)
    return [
        replace(start, at_s=float(second), heap_mb=100 + heap_mb_per_hour * second / 3600)
        for second in range(1800)
    ]


def growth(found: list[Sample]) -> Growth:
    return growth_of(found, warm_up_s=600)


def test_what_stays_as_it_is_misses_nothing() -> None:
    found = growth(samples())
    assert found.misses == []
    assert found.heap.mb_per_hour == pytest.approx(0, abs=1e-6)
    assert found.seconds == 1199


def test_a_leak_is_told_from_its_slope() -> None:
    found = growth(samples(heap_mb_per_hour=3))
    assert found.heap.mb_per_hour == pytest.approx(3)
    assert found.misses == ["the heap in use grew by +3.00 MB an hour (±0.00)"]


def test_resident_memory_that_grows_is_told_beside_a_heap_that_does_not() -> None:
    growing = [replace(one, memory_mb=250 + 2 * one.at_s / 3600) for one in samples()]
    assert growth(growing).misses == ["resident memory grew by +2.00 MB an hour (±0.00)"]


def test_warm_up_does_not_count() -> None:
    found = samples()
    warming = [replace(one, heap_mb=one.at_s) if one.at_s < 600 else one for one in found]
    assert growth(warming).misses == []


def test_samples_that_follow_each_other_alike_tell_less() -> None:
    hours = np.arange(1200) / 3600
    noise = np.random.default_rng(0).normal(size=1200)
    wandering = np.convolve(noise, np.ones(30) / 30**0.5, "same")
    apart, alike = slope_of(hours, noise), slope_of(hours, wandering)
    assert apart.error == pytest.approx(12**0.5 / 1200**0.5 * 3, rel=0.1)
    assert alike.error > 4 * apart.error


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="0 samples after 600 s, expected 4 or more"):
        growth(samples()[:600])
