"""A calibration set is reproducible, says where it came from, and keeps frames back."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hsi.calibrate import CalibrationOptions, collect
from hsi.runtime.errors import OptionError, SourceError

OPTIONS = CalibrationOptions(frames=3, candidates=20)


def test_the_record_lists_the_source_and_hash_of_every_frame(folder: Path) -> None:
    record = json.loads(collect([str(folder)], OPTIONS).to_json())

    assert record["format"] == "hsi calibration"
    assert record["options"] == {"frames": 3, "candidates": 20, "side": 512}
    assert len(record["frames"]) == 3
    assert all(len(frame["sha256"]) == 64 for frame in record["frames"])
    assert str(folder) in record["frames"][0]["source"]


def test_the_same_frames_give_the_same_record(folder: Path) -> None:
    assert collect([str(folder)], OPTIONS).to_json() == collect([str(folder)], OPTIONS).to_json()


def test_frames_to_judge_by_are_not_calibrated_on(folder: Path) -> None:
    found = collect([str(folder)], OPTIONS)

    calibrated = {frame.sha256 for frame in found.frames}
    assert len(found.held_out) == 1
    assert not calibrated & {frame.sha256 for frame in found.held_out}


def test_a_frame_that_comes_twice_counts_once(folder: Path) -> None:
    found = collect([str(folder), str(folder)], OPTIONS)

    hashes = [frame.sha256 for frame in (*found.frames, *found.held_out)]
    assert len(hashes) == len(set(hashes)) == 4


def test_frames_of_several_sizes_go_together(folder: Path) -> None:
    cv2.imwrite(str(folder / "large.png"), np.zeros((200, 700, 3), np.uint8))

    found = collect([str(folder)], CalibrationOptions(frames=5, candidates=20))

    assert {frame.image.shape[1] for frame in found.frames} == {128, 512}


def test_the_text_says_which_frames(folder: Path) -> None:
    text = collect([str(folder)], OPTIONS).to_text()

    assert text.startswith("3 frames to calibrate on:")
    assert "128x96" in text


def test_a_password_of_a_camera_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsi.calibrate.calibration_set.read_frames", lambda *a, **k: [])

    with pytest.raises(SourceError, match=r"rtsp://\*\*\*@line: expected frames .* found none"):
        collect(["rtsp://me:word@line"], OPTIONS)


def test_no_place_is_refused() -> None:
    with pytest.raises(OptionError, match="nothing to calibrate on: pass --calib"):
        collect([], OPTIONS)


def test_no_frames_are_refused() -> None:
    with pytest.raises(OptionError, match="frames to calibrate on must be at least 1, got 0"):
        CalibrationOptions(frames=0)


def test_fewer_candidates_than_frames_are_refused() -> None:
    with pytest.raises(OptionError, match="candidates must be at least the 24 frames"):
        CalibrationOptions(candidates=5)


def test_a_side_outside_the_network_is_refused() -> None:
    with pytest.raises(OptionError, match="side must be from 64 to 4096 pixels, got 32"):
        CalibrationOptions(side=32)
