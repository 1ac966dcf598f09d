"""Calibrating on a camera: a real RTSP server, which may go away, freeze, or send damage."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from hsi.calibrate import CalibrationOptions, collect
from hsi.calibrate.frames import read_frames
from hsi.runtime.errors import SourceError
from hsi.runtime.source import SourceLost

FEW = CalibrationOptions(frames=2, candidates=3, side=128)
MANY = CalibrationOptions()


def test_a_camera_is_calibrated_on(rtsp_camera: Any) -> None:
    rtsp_camera.start()
    told: list[str] = []

    found = collect([rtsp_camera.uri], FEW, told.append)

    numbers = sorted(frame.number for frame in (*found.frames, *found.held_out))
    assert numbers == [0, 15, 30]
    assert found.places == (rtsp_camera.uri,)
    assert told == [f"3 frames from {rtsp_camera.uri}, live: about 3 s"]


def test_a_camera_and_pictures_go_together(rtsp_camera: Any, folder: Any) -> None:
    rtsp_camera.start()

    found = read_frames([str(folder), rtsp_camera.uri], side=128, candidates=4)

    sizes = [(frame.width, frame.height) for frame in found]
    assert sizes == [(128, 96), (128, 96), (160, 120), (160, 120)]


def test_a_camera_that_dies_half_way_is_told_without_its_password(rtsp_camera: Any) -> None:
    rtsp_camera.start()
    uri = rtsp_camera.uri.replace("rtsp://", "rtsp://me:hunter2@")
    timer = threading.Timer(1.5, rtsp_camera.kill)
    timer.start()

    with pytest.raises(SourceLost, match=r"rtsp://\*\*\*@.* after \d+ frames: check the") as caught:
        collect([uri], MANY)
    timer.join()

    assert "hunter2" not in str(caught.value)


def test_a_camera_that_freezes_is_given_up(rtsp_camera: Any) -> None:
    rtsp_camera.start()
    timer = threading.Timer(1.5, rtsp_camera.freeze)
    timer.start()

    with pytest.raises(SourceLost, match=r"the stream was lost after .* frames: no data in time"):
        collect([rtsp_camera.uri], MANY)
    timer.join()


def test_a_camera_that_is_not_there_is_told(rtsp_camera: Any) -> None:
    with pytest.raises(SourceError, match="cannot open it: Connection refused: check the address"):
        collect([rtsp_camera.uri], FEW)


def test_a_camera_of_a_number_that_is_none_is_told() -> None:
    with pytest.raises(SourceError, match="camera 99"):
        collect(["99"], FEW)


def test_damaged_frames_are_passed_over_for_those_that_follow() -> None:
    uri = "fault+test://128x96@200?frames=80&corrupt=0.5&seed=1"

    found = read_frames([uri], side=512, candidates=4)

    numbers = [frame.number for frame in found]
    assert len(numbers) == 4
    assert all(15 <= after - before < 25 for before, after in itertools.pairwise(numbers))


def test_a_camera_that_changes_its_size_gives_frames_of_both() -> None:
    uri = "fault+test://256x192@50?frames=150&resize=1s"

    found = read_frames([uri], side=512, candidates=10)

    assert {frame.width for frame in found} == {128, 256}
