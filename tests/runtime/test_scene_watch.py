"""A scene is looked at now and then; what is outside is collected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi.runtime.drift import DriftGauge
from hsi.runtime.drift_reference import DriftReference, StatisticsRange, colour_quantiles
from hsi.runtime.frame import Image
from hsi.runtime.frame_collector import FrameCollector
from hsi.runtime.scene_watch import SceneWatch

INSIDE = np.full(2, 0.5, np.float32)


@pytest.fixture
def reference(photo: Image) -> DriftReference:
    return DriftReference(
        colours=(tuple(map(float, colour_quantiles(photo).ravel())),),
        edge=10.0,
        statistics=(StatisticsRange(name="0.mean", start=0, low=(0.0, 0.0), high=(1.0, 1.0)),),
    )


@pytest.fixture
def dark(photo: Image) -> Image:
    return (photo * 0.5).astype(np.uint8)


def watch_video(watch: SceneWatch, frame: Image, *, seconds: float, first_s: float = 0) -> None:
    for number in range(round(seconds * 25)):
        watch.see(frame, INSIDE, first_s + number / 25)


def test_a_summary_tells_mean_worst_and_share(
    reference: DriftReference, photo: Image, dark: Image
) -> None:
    watch = SceneWatch(reference)

    watch_video(watch, photo, seconds=20)
    calm = watch.summary()
    watch_video(watch, dark, seconds=20, first_s=20)

    assert calm is not None and calm.worst < 0.1 and calm.outside_share == 0
    summary = watch.summary()
    assert summary is not None
    assert summary.worst > 2
    assert 0.45 < summary.outside_share < 0.5
    assert summary.worst == watch.drift


def test_four_frames_a_second_are_looked_at(
    reference: DriftReference, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = SceneWatch(reference)
    looks: list[Image] = []

    def drift(self: DriftGauge, frame: Image, statistics: object) -> float:
        looks.append(frame)
        return 0.0

    monkeypatch.setattr(DriftGauge, "drift", drift)

    watch_video(watch, photo, seconds=4)

    assert len(looks) in (15, 16)


def test_a_clock_that_starts_anew_does_not_blind_the_watch(
    reference: DriftReference, photo: Image, dark: Image
) -> None:
    watch = SceneWatch(reference)
    watch_video(watch, photo, seconds=1, first_s=1e6)

    watch_video(watch, dark, seconds=8)

    assert watch.drift is not None and watch.drift > 1


def test_pictures_are_each_looked_at(reference: DriftReference, photo: Image, dark: Image) -> None:
    watch = SceneWatch(reference)

    for frame in (photo, photo, dark, photo):
        watch.see(frame, INSIDE, None)

    summary = watch.summary()
    assert summary is not None and summary.worst > 0.3


def test_only_what_is_outside_is_collected(
    reference: DriftReference, photo: Image, dark: Image, tmp_path: Path
) -> None:
    collector = FrameCollector(tmp_path)
    watch = SceneWatch(reference, collector)

    watch_video(watch, photo, seconds=2)
    assert collector.saved == 0
    watch_video(watch, dark, seconds=2, first_s=2)

    assert collector.saved == 1


def test_without_a_calibration_all_that_differs_is_collected(
    photo: Image, dark: Image, tmp_path: Path
) -> None:
    collector = FrameCollector(tmp_path)
    watch = SceneWatch(None, collector)

    watch_video(watch, photo, seconds=2)
    watch_video(watch, dark, seconds=2, first_s=2)

    assert collector.saved == 2
    assert watch.drift is None and watch.summary() is None
