from dataclasses import replace

import pytest

from hsi.runtime.appearance import NoiseSchedule, TransferOptions, plan
from hsi.runtime.errors import OptionError

PUBLISHED = plan(NoiseSchedule(), TransferOptions.published())


def test_the_published_plan_acts_where_the_published_code_does() -> None:
    assert len(PUBLISHED) == 68
    assert PUBLISHED[0].step.timestep == 671
    assert [p.number for p in PUBLISHED if p.swapped[0]] == list(range(11, 68))
    assert [p.number for p in PUBLISHED if p.swapped[1]] == list(range(11, 68))
    assert [p.number for p in PUBLISHED if p.refreshed] == [11, 16, 21, 26, 31, 36]
    assert [p.number for p in PUBLISHED if p.adain] == list(range(20, 68))


@pytest.mark.parametrize(("number", "scale"), [(11, 3.21), (20, 2.98), (40, 2.46), (67, 1.75)])
def test_the_published_guidance_falls(number: int, scale: float) -> None:
    assert PUBLISHED[number].guidance == pytest.approx(scale, abs=0.005)


def test_the_unswapped_pass_is_needed_only_where_layers_are_swapped() -> None:
    assert [p.number for p in PUBLISHED if p.guided] == list(range(11, 68))
    plain = plan(NoiseSchedule(), replace(TransferOptions.published(), guidance=(1.0, 1.0)))
    assert not any(p.guided for p in plain)


def test_each_resolution_has_a_range_of_its_own() -> None:
    options = TransferOptions(steps=10, skip=0, fine_range=(0.2, 0.9), coarse_range=(0.5, 1.0))

    found = plan(NoiseSchedule(), options)

    assert [p.number for p in found if p.swapped[0]] == [2, 3, 4, 5, 6, 7, 8]
    assert [p.number for p in found if p.swapped[1]] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_few_step_plan_has_as_many_steps_and_starts_below_pure_noise(steps: int) -> None:
    found = plan(NoiseSchedule(), TransferOptions.few_step(steps))

    assert len(found) == steps
    assert found[0].step.timestep < 900
    assert all(p.swaps and not p.guided and not p.adain for p in found)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"skip": 50}, "skip must be from 0 to 49, got 50"),
        ({"steps": 0}, "steps must be from 1 to 1000, got 0"),
        ({"contrast": float("nan")}, "contrast must be from 0 to 100, got nan"),
        ({"fine_range": (0.8, 0.2)}, "fine_range must be two shares of the loop"),
        ({"adain": "local"}, "adain must be one of masked, global, off, got 'local'"),
        ({"guidance": (-1.0, 1.0)}, "guidance must be from 0 to 100"),
        ({"query_blend": 1.5}, "query_blend must be from 0 to 1, got 1.5"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_nonsense_is_refused(change: dict[str, object], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        replace(TransferOptions(), **change)  # type: ignore[arg-type]
