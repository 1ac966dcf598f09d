"""The whole run against a real RTSP server that is killed, frozen and started again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.run_options import RunOptions
from hsi.runtime.run_summary import RunSummary
from hsi.runtime.source import open_source


class Watcher:
    """An output that notes when frames arrive."""

    name, thread_bound = "watcher", False

    def __init__(self) -> None:
        self.arrivals: list[float] = []
        self.frames: list[Frame] = []

    def write(self, frame: Frame, image: Image) -> None:
        self.arrivals.append(time.monotonic())
        self.frames.append(frame)

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *reason: object) -> None:
        pass


class Line:
    """A run in a thread of its own."""

    def __init__(self, uri: str, options: RunOptions | None = None) -> None:
        self.watcher = Watcher()
        self.events: list[Event] = []
        self.summary: RunSummary | None = None
        self._stop = threading.Event()
        feed = Feed(
            name=uri,
            sources=(open_source(uri) for _ in range(1)),
            reopen=lambda: open_source(uri),
            stylize=lambda frame: np.subtract(np.uint8(255), frame.image),
            outputs=[self.watcher],
        )
        self._thread = threading.Thread(target=self._play, args=(feed, options))
        self._thread.start()

    def _play(self, feed: Feed, options: RunOptions | None) -> None:
        self.summary = run_feeds([feed], options, stop=self._stop, on_event=self.events.append)

    def wait_for_frame(self, after: float, limit_s: float = 20) -> float:
        """Return how long after this moment the next frame came."""
        arrivals = self.watcher.arrivals
        found: list[float]
        found = self.wait_for(lambda: [at for at in arrivals if at > after], limit_s)
        return found[0] - after

    def wait_for_event(self, kind: EventKind, count: int = 1, limit_s: float = 20) -> Event:
        found: list[Event] = self.wait_for(
            lambda: [e for e in self.events if e.kind is kind][count - 1 :], limit_s
        )
        return found[0]

    def wait_for(self, condition: Callable[[], Any], limit_s: float) -> Any:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.01)
        pytest.fail(f"did not happen in {limit_s} s: {self.events}")

    def end(self) -> RunSummary:
        self._stop.set()
        self._thread.join(10)
        assert self.summary is not None
        return self.summary


@pytest.fixture
def line(rtsp_camera: Any) -> Any:
    rtsp_camera.start()
    line = Line(rtsp_camera.uri)
    line.wait_for_frame(0)
    yield line
    line.end()


def test_a_killed_camera_is_back_soon_after_its_return(rtsp_camera: Any, line: Line) -> None:
    for count in (1, 2, 3):
        rtsp_camera.kill()
        line.wait_for_event(EventKind.LOST, count)
        time.sleep(0.4)
        rtsp_camera.start()
        # The promise is two seconds; this machine may be busy with other things.
        assert line.wait_for_frame(time.monotonic()) < 4
        line.wait_for_event(EventKind.RETURNED, count)
    summary = line.end()
    numbers = [frame.number for frame in line.watcher.frames]
    times_s = [frame.time_s for frame in line.watcher.frames]
    assert numbers == sorted(set(numbers))
    assert times_s == sorted(times_s)
    assert summary.event_counts["returned"] == 3
    assert summary.captured == summary.shown + sum(summary.dropped.values())


def test_a_frozen_camera_is_noticed_and_taken_back(rtsp_camera: Any, line: Line) -> None:
    rtsp_camera.freeze()
    frozen = time.monotonic()
    stalled = line.wait_for_event(EventKind.STALLED)
    # The promise is three seconds.
    assert time.monotonic() - frozen < 4
    assert stalled.seconds is not None
    assert 2.5 <= stalled.seconds < 4
    time.sleep(0.5)
    rtsp_camera.thaw()
    assert line.wait_for_frame(time.monotonic()) < 4
    line.wait_for_event(EventKind.RETURNED)


def test_another_size_after_the_return_is_followed(rtsp_camera: Any, line: Line) -> None:
    rtsp_camera.kill()
    line.wait_for_event(EventKind.LOST)
    rtsp_camera.start(size="320x240")
    assert str(line.wait_for_event(EventKind.SIZE_CHANGED)).endswith("from 160x120 to 320x240")
    line.wait_for_frame(time.monotonic())
    assert {frame.size for frame in line.watcher.frames} == {(160, 120), (320, 240)}


def test_a_camera_that_is_not_there_at_the_start_is_waited_for(rtsp_camera: Any) -> None:
    line = Line(rtsp_camera.uri)
    line.wait_for_event(EventKind.MISSING)
    rtsp_camera.start()
    line.wait_for_frame(0)
    assert line.end().shown > 0


def test_a_camera_whose_key_frames_come_in_two_pieces_is_shown_whole(rtsp_camera: Any) -> None:
    rtsp_camera.start(sliced=True, fps=30)
    line = Line(rtsp_camera.uri)
    line.wait_for_frame(0)
    line.wait_for(lambda: len(line.watcher.frames) >= 20, 20)
    assert line.end().event_counts == {"connected": 1}
    # A white ball on black: a frame without its upper slice would be green.
    for frame in line.watcher.frames:
        assert 900 < int((frame.image.min(axis=2) > 128).sum()) < 1350
        assert abs(frame.image.astype(int) - frame.image.mean(axis=2)[..., None]).max() < 40
