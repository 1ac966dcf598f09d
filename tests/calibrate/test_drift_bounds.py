"""The record of a calibration set knows its own scene, and knows others for others."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import pytest

from hsi.calibrate import CalibrationOptions, CalibrationSet, collect
from hsi.calibrate.drift_bounds import drift_reference
from hsi.calibrate.frames import read_frames
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.runtime import frame_collector
from hsi.runtime.drift import EDGE, DriftGauge
from hsi.runtime.drift_reference import DriftReference
from hsi.runtime.errors import QualityError
from hsi.runtime.frame import Image
from hsi.runtime.json_record import record_from_json
from hsi.runtime.manifest import StatisticsField

# The network by hand tells one quantity a channel: here half of them count as means.
FIELDS = (
    StatisticsField(name="0.mean", start=0, size=4),
    StatisticsField(name="0.variance", start=4, size=4),
)


@pytest.fixture(scope="module")
def run(stylizer: onnx.ModelProto) -> StylizerRun:
    return StylizerRun(stylizer, threads=1)


@pytest.fixture(scope="module")
def calibration(clip: Path) -> CalibrationSet:
    return collect([str(clip)], CalibrationOptions(frames=8, candidates=24, side=256))


@pytest.fixture(scope="module")
def gauge(calibration: CalibrationSet, run: StylizerRun) -> DriftGauge:
    return DriftGauge(drift_reference(calibration, run, FIELDS))


@pytest.fixture(scope="module")
def clip_frames(clip: Path) -> list[Image]:
    """Frames of the clip calibrated on, mostly others than those, at their own size."""
    return [frame.image for frame in read_frames([str(clip)], side=4096, candidates=11)]


def drifts(gauge: DriftGauge, run: StylizerRun, frames: list[Image]) -> list[float]:
    code = np.ones(run.code_size, np.float32)
    return [gauge.drift(frame, run.statistics(frame, code)) for frame in frames]


def test_other_frames_of_the_clip_at_another_size_are_inside(
    gauge: DriftGauge, run: StylizerRun, clip_frames: list[Image]
) -> None:
    assert max(drifts(gauge, run, clip_frames)) < EDGE


def test_the_same_scene_in_another_light_is_outside(
    gauge: DriftGauge, run: StylizerRun, clip_frames: list[Image]
) -> None:
    dusk = [(frame * 0.6).astype(np.uint8) for frame in clip_frames]
    lamp = [np.clip(frame * [0.7, 1, 1.2], 0, 255).astype(np.uint8) for frame in clip_frames]

    assert min(drifts(gauge, run, dusk + lamp)) > EDGE


def test_another_scene_is_outside(gauge: DriftGauge, run: StylizerRun, photo: Image) -> None:
    assert min(drifts(gauge, run, [photo])) > EDGE


def test_the_edge_reaches_to_what_was_read_and_not_taken(
    calibration: CalibrationSet, run: StylizerRun
) -> None:
    assert 0 < calibration.reach < 20
    assert drift_reference(calibration, run, FIELDS).edge == round(calibration.reach + 6, 3)


def test_the_record_holds_it_and_gives_it_back(
    calibration: CalibrationSet, run: StylizerRun
) -> None:
    reference = drift_reference(calibration, run, FIELDS)

    record = json.loads(calibration.to_json(reference))

    assert record_from_json(DriftReference, record["drift"], "drift") == reference
    assert len(json.dumps(asdict(reference))) < 40_000
    assert "drift" not in json.loads(calibration.to_json())


def test_a_network_without_moments_is_refused(
    calibration: CalibrationSet, run: StylizerRun
) -> None:
    with pytest.raises(QualityError, match=r"expected statistics called 0\.variance, found none"):
        drift_reference(calibration, run, FIELDS[:1])


def test_what_is_collected_is_of_the_size_that_calibration_takes() -> None:
    assert frame_collector.SIDE == CalibrationOptions().side
    assert frame_collector.MAX_FRAMES == CalibrationOptions().candidates
