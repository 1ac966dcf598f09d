"""There is no camera here: OpenCV's capture is replaced by a scripted one."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import cv2
import numpy as np
import pytest

from hsi.runtime.camera_source import CameraSource
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.null_output import NullOutput
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.run_options import RunOptions
from hsi.runtime.source import SourceLost


class ScriptedCapture:
    opens = True

    def __init__(self, device: str, api: int) -> None:
        self.asked: list[tuple[int, float]] = []
        self.answers: list[Any] = [np.zeros((48, 64, 3), np.uint8), None, None]
        self.released = False

    def isOpened(self) -> bool:
        return self.opens

    def get(self, setting: int) -> float:
        known = {cv2.CAP_PROP_FRAME_WIDTH: 64, cv2.CAP_PROP_FRAME_HEIGHT: 48, cv2.CAP_PROP_FPS: 30}
        return known[setting]

    def set(self, setting: int, value: float) -> bool:
        self.asked.append((setting, value))
        return True

    def read(self) -> tuple[bool, Any]:
        image = self.answers.pop(0)
        return image is not None, image

    def release(self) -> None:
        self.released = True


@pytest.fixture
def camera_there(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(cv2, "VideoCapture", ScriptedCapture)
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    return monkeypatch


@pytest.mark.usefixtures("camera_there")
def test_camera_says_what_it_gives() -> None:
    with CameraSource("0") as camera:
        assert (camera.name, camera.live, camera.fps) == ("camera 0", True, 30.0)
        assert (camera.size, camera.frame_count) == ((64, 48), None)
        frame = camera.read(0.1)
        assert frame is not None
        assert (frame.number, frame.source, frame.size) == (0, "camera 0", (64, 48))
        assert frame.time_s >= 0


@pytest.mark.usefixtures("camera_there")
def test_mode_is_asked_for_with_the_format_first() -> None:
    with CameraSource("v4l2:///dev/video3?size=640x480&fps=15&fourcc=MJPG") as camera:
        settings = [setting for setting, _ in camera._capture.asked]  # type: ignore[attr-defined]
    assert settings == [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FPS,
    ]


def test_a_silent_camera_gives_none_and_a_pulled_one_is_lost(
    camera_there: pytest.MonkeyPatch,
) -> None:
    camera = CameraSource("/dev/video0")
    assert camera.read(0.01) is not None
    assert camera.read(0.01) is None
    camera_there.setattr(os.path, "exists", lambda path: False)
    with pytest.raises(SourceLost, match=r"/dev/video0 went away after 1 frames: check the cable"):
        camera.read(0.01)


def test_a_camera_that_was_pulled_and_plugged_in_again_plays_on(
    camera_there: pytest.MonkeyPatch,
) -> None:
    class Pulled(ScriptedCapture):
        def read(self) -> tuple[bool, Any]:
            time.sleep(0.01)
            return super().read() if self.answers else (False, None)

    begun = time.monotonic()
    camera_there.setattr(cv2, "VideoCapture", Pulled)
    # Gone for half of every half second.
    camera_there.setattr(os.path, "exists", lambda path: (time.monotonic() - begun) % 0.5 < 0.25)
    feed = Feed(
        name="camera 0",
        sources=(CameraSource("0") for _ in range(1)),
        reopen=lambda: CameraSource("0"),
        stylize=lambda frame: frame.image,
        outputs=[NullOutput()],
    )
    stop, returns = threading.Event(), list[Event]()

    def hear(event: Event) -> None:
        returns.extend([event] if event.kind is EventKind.RETURNED else [])
        if len(returns) == 2:
            stop.set()

    options = RunOptions(back_off_s=(0.05, 0.1), duration_s=30)
    summary = run_feeds([feed], options, stop=stop, on_event=hear)
    assert summary.event_counts["lost"] >= 2
    assert summary.event_counts["returned"] >= 2
    assert summary.captured == summary.shown + sum(summary.dropped.values()) >= 3


def test_a_camera_in_use_is_refused(camera_there: pytest.MonkeyPatch) -> None:
    camera_there.setattr(ScriptedCapture, "opens", False)
    with pytest.raises(SourceError, match="camera 0: cannot open /dev/video0: it is in use"):
        CameraSource("0")


def test_a_camera_without_permission_names_the_group(camera_there: pytest.MonkeyPatch) -> None:
    camera_there.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SourceError, match=r"no permission to use /dev/video0: .*group 'video'"):
        CameraSource("0")


@pytest.mark.usefixtures("camera_there")
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("fourcc=MJPEG", "fourcc must be four letters such as MJPG, got 'MJPEG'"),
        ("fps=fast", "fps must be a number up to 1000, got 'fast'"),
        ("size=640", "must be WIDTHxHEIGHT"),
        ("zoom=2", "unknown option 'zoom'"),
    ],
)
def test_a_malformed_mode_says_what_is_wrong(query: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        CameraSource(f"v4l2:///dev/video0?{query}")
