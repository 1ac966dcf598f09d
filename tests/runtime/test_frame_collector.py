"""Frames that differ are kept, whole, and only so many."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hsi.runtime import frame_collector
from hsi.runtime.errors import OutputError
from hsi.runtime.frame import Image
from hsi.runtime.frame_collector import FrameCollector
from hsi.runtime.source import open_source


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def flat(level: int) -> Image:
    return np.full((64, 96, 3), level, np.uint8)


def test_frames_that_differ_are_kept_and_twins_are_not(tmp_path: Path, photo: Image) -> None:
    collector = FrameCollector(tmp_path / "new" / "frames")
    noise = np.random.default_rng(0).normal(0, 3, photo.shape)
    twin = np.clip(photo + noise, 0, 255).astype(np.uint8)

    for frame in (photo, photo, twin, (photo * 0.5).astype(np.uint8)):
        collector.offer(frame)

    assert collector.saved == 2
    assert len(names(tmp_path / "new" / "frames")) == 2


def test_what_is_kept_can_be_calibrated_on(tmp_path: Path, photo: Image) -> None:
    collector = FrameCollector(tmp_path)
    collector.offer(photo)

    with open_source(tmp_path) as source:
        frame = source.read(1)
    assert frame is not None
    assert max(frame.size) == frame_collector.SIDE
    small = cv2.resize(photo, frame.size, interpolation=cv2.INTER_AREA)
    assert np.array_equal(frame.image, small)


def test_frames_of_an_earlier_run_count(tmp_path: Path, photo: Image) -> None:
    FrameCollector(tmp_path).offer(photo)
    again = FrameCollector(tmp_path)

    again.offer(photo)

    assert again.saved == 0
    assert len(names(tmp_path)) == 1


def test_a_full_folder_is_said_once_and_nothing_more_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(frame_collector, "MAX_FRAMES", 2)
    collector = FrameCollector(tmp_path)

    for level in (10, 90, 170, 250):
        collector.offer(flat(level))

    assert collector.saved == len(names(tmp_path)) == 2
    assert [one.getMessage() for one in caplog.records] == [
        f"no more frames are collected: {tmp_path}/ holds 2"
    ]


def test_a_folder_that_was_full_before_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FrameCollector(tmp_path).offer(flat(10))
    monkeypatch.setattr(frame_collector, "MAX_FRAMES", 1)
    collector = FrameCollector(tmp_path)

    collector.offer(flat(200))

    assert len(names(tmp_path)) == 1


def test_a_full_disk_ends_the_collecting_and_not_the_run(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collector = FrameCollector(small_disk)
    random = np.random.default_rng(0)

    for level in (20, 110, 200):
        noise = random.integers(0, 50, (300, 500, 3))
        collector.offer((noise + level).astype(np.uint8))

    assert "no more frames are collected: " in caplog.text
    assert "the disk is full" in caplog.text
    assert len(caplog.records) == 1
    assert all(name.endswith(".png") and not name.startswith(".") for name in names(small_disk))


def test_a_file_in_the_folder_that_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    collector = FrameCollector(tmp_path)

    collector.offer(flat(10))

    assert collector.saved == 1


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "frames").touch()

    with pytest.raises(OutputError, match="frames: is a file, expected a folder to collect in"):
        FrameCollector(tmp_path / "frames")


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="file/frames/: cannot write it: a part of the path is"):
        FrameCollector(tmp_path / "file" / "frames")
