from __future__ import annotations

import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.profile import Profile, profile_for


def test_a_profile_is_best_at_the_frame_and_takes_the_golden_picture_too() -> None:
    profile = profile_for((1, 720, 1280, 3), always=(156, 118))

    assert profile == Profile(least=(156, 118), best=(1280, 720), most=(1280, 720))
    assert profile.to_text() == "1280x720 (156x118 to 1280x720, 1 at once)"


def test_a_profile_reaches_as_far_as_asked() -> None:
    profile = profile_for((2, 720, 1280, 3), (156, 118), least=(64, 200), most=(1920, 1080))

    assert profile == Profile(least=(64, 118), best=(1280, 720), most=(1920, 1080), batch=2)


@pytest.mark.parametrize(
    ("shape", "taken"),
    [
        ((1, 720, 1280, 3), True),
        ((1, 118, 156, 3), True),
        ((1, 721, 1280, 3), False),
        ((1, 720, 1281, 3), False),
        ((1, 117, 1280, 3), False),
        ((2, 720, 1280, 3), False),
    ],
)
def test_a_profile_takes_what_lies_within_it(shape: tuple[int, ...], taken: bool) -> None:
    assert profile_for((1, 720, 1280, 3), (156, 118)).takes(shape) is taken


def test_each_input_gets_its_three_shapes() -> None:
    profile = profile_for((2, 720, 1280, 3), (156, 118))

    assert profile.shapes({"frame": ("N", "H", "W", 3), "strength": ("N", 1)}) == {
        "frame": ((1, 118, 156, 3), (2, 720, 1280, 3), (2, 720, 1280, 3)),
        "strength": ((1, 1), (2, 1), (2, 1)),
    }


def test_sizes_that_shrink_are_refused() -> None:
    with pytest.raises(OptionError, match="sizes must grow from least to most, got 64x64 "):
        Profile(least=(65, 64), best=(64, 64), most=(64, 64))


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(OptionError, match="batch must be at least 1, got 0"):
        Profile(least=(64, 64), best=(64, 64), most=(64, 64), batch=0)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"min_size": (0, 64)}, r"min_size must have sides above 0, got \(0, 64\)"),
        (
            {"min_size": (64, 65), "max_size": (64, 64)},
            r"min_size must be within max_size, got \(64, 65\) and \(64, 64\)",
        ),
        ({"workspace_mib": 0}, "workspace_mib must be at least 1, got 0"),
        ({"optimization_level": 6}, "optimization_level must be from 0 to 5, got 6"),
    ],
)
def test_options_name_what_is_wrong(options: dict[str, object], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        TensorRtOptions(**options)  # type: ignore[arg-type]
