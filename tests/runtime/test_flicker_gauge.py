from __future__ import annotations

import numpy as np
import pytest

from hsi.runtime.flicker import FlickerGauge
from hsi.runtime.frame import Image


def _grey(level: int) -> Image:
    return np.full((90, 160, 3), level, np.uint8)


def _shown(gauge: FlickerGauge, frames: list[Image], pictures: list[Image]) -> float | None:
    for number, (frame, picture) in enumerate(zip(frames, pictures, strict=True)):
        gauge.see(frame, picture, number / 30)
    return gauge.value


def test_a_picture_that_trembles_over_a_still_scene_flickers() -> None:
    pictures = [_grey(100 + 6 * (n % 2)) for n in range(120)]
    assert _shown(FlickerGauge(), [_grey(50)] * 120, pictures) == pytest.approx(6)


def test_a_steady_picture_does_not_flicker() -> None:
    assert _shown(FlickerGauge(), [_grey(50)] * 60, [_grey(100)] * 60) == 0


def test_where_the_scene_moves_nothing_is_said_of_flicker() -> None:
    frames = [_grey(20 * (n % 3)) for n in range(60)]
    assert _shown(FlickerGauge(), frames, frames) is None


def test_another_size_begins_anew() -> None:
    gauge = FlickerGauge()
    gauge.see(_grey(1), _grey(1), 0.0)
    small = np.zeros((9, 16, 3), np.uint8)
    gauge.see(small, small, 0.03)
    assert gauge.value is None
