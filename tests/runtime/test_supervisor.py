"""The supervisor with scripted cameras, whose reads hang, fail and come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame
from hsi.runtime.run_options import RunOptions
from hsi.runtime.source import EndOfStream, SourceLost
from hsi.runtime.supervisor import TICK_S, Supervisor

QUICK = RunOptions(stall_s=0.3, open_s=0.3, back_off_s=(0.02, 0.05))


class Camera:
    """Opens again and again; each connection follows the next script."""

    def __init__(self, *scripts: list[Any]) -> None:
        self.scripts = list(scripts)
        self.opened = 0
        self.closed = 0

    def open(self) -> Connection:
        script = self.scripts[min(self.opened, len(self.scripts) - 1)]
        self.opened += 1
        return Connection(self, script)


class Connection:
    """Gives a frame for each "frame" of its script, and does or raises the rest."""

    name, live, fps, size, frame_count = "camera", True, None, (8, 4), None

    def __init__(self, camera: Camera, script: list[Any]) -> None:
        self._camera = camera
        self._script = list(script)
        self._number = 0
        if self._script and isinstance(self._script[0], SourceError):
            raise self._script[0]

    def read(self, timeout_s: float) -> Frame | None:
        step = self._script.pop(0) if self._script else None
        if isinstance(step, BaseException):
            raise step
        if callable(step):
            step()
        if step != "frame":
            time.sleep(0.005)
            return None
        self._number += 1
        image = np.zeros((4, 8, 3), np.uint8)
        return Frame(image=image, number=self._number - 1, time_s=0.0, source=self.name)

    def close(self) -> None:
        self._camera.closed += 1

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


class Basket:
    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.corrupt = 0

    def take(self, frame: Frame, source: Any, read_s: float) -> bool:
        self.frames.append(frame)
        return True

    def take_corrupt(self) -> None:
        self.corrupt += 1


class Watched:
    """A supervisor, what it told and what its frames were put into."""

    def __init__(self, camera: Camera, *, reconnect: bool = True, options: RunOptions = QUICK):
        self.told: list[Event] = []
        self.basket = Basket()
        feed = Feed(
            name="camera",
            sources=(camera.open() for _ in range(1)),
            reopen=camera.open if reconnect else None,
            stylize=lambda frame: frame.image,
            outputs=[],
        )
        self.supervisor = Supervisor(feed, self.basket, options, self.told.append)

    @property
    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.told]

    def until(self, condition: Callable[[Watched], object], limit_s: float = 10) -> None:
        deadline = time.monotonic() + limit_s
        while not condition(self) and time.monotonic() < deadline:
            self.supervisor.tick(time.monotonic())
            time.sleep(TICK_S / 5)
        assert condition(self), self.told


def test_a_lost_camera_is_opened_again() -> None:
    camera = Camera(["frame", SourceLost("camera: gone")], ["frame", "frame"])
    watched = Watched(camera)
    watched.until(lambda w: len(w.basket.frames) == 3)
    watched.until(lambda w: EventKind.RETURNED in w.kinds)
    assert watched.kinds in (
        [EventKind.CONNECTED, EventKind.LOST, EventKind.RETURNED],
        [EventKind.LOST, EventKind.RETURNED],
    )
    lost = next(event for event in watched.told if event.kind is EventKind.LOST)
    assert str(lost) == "camera: lost: gone"
    assert camera.closed == 1


def test_a_camera_that_hangs_is_given_up_without_waiting_for_it(free: threading.Event) -> None:
    camera = Camera(["frame", free.wait], ["frame"])
    watched = Watched(camera)
    watched.until(lambda w: len(w.basket.frames) == 2)
    watched.until(lambda w: EventKind.RETURNED in w.kinds)
    stalled = next(event for event in watched.told if event.kind is EventKind.STALLED)
    assert stalled.seconds is not None
    assert 0.3 <= stalled.seconds < 2
    assert camera.closed == 0


def test_a_frame_of_a_reader_that_was_given_up_is_not_taken(free: threading.Event) -> None:
    camera = Camera(["frame", free.wait, "frame", "frame"], ["frame"])
    watched = Watched(camera)
    watched.until(lambda w: len(w.basket.frames) == 2)
    free.set()
    watched.until(lambda w: camera.closed == 1)
    assert len(watched.basket.frames) == 2


def test_an_opening_that_hangs_is_given_up(free: threading.Event) -> None:
    class Slow(Camera):
        def open(self) -> Connection:
            if self.opened == 0:
                self.opened += 1
                free.wait()
            return super().open()

    watched = Watched(Slow(["frame"]))
    watched.until(lambda w: EventKind.RETURNED in w.kinds)
    assert watched.kinds[0] is EventKind.MISSING


def test_a_camera_that_comes_and_goes_is_read_by_one_thread() -> None:
    names: set[str] = set()

    class Going(Camera):
        def open(self) -> Connection:
            names.add(threading.current_thread().name)
            return super().open()

    camera = Going(["frame", SourceLost("camera: gone")])
    watched = Watched(camera)
    watched.until(lambda w: camera.opened == 20)
    for worker in watched.supervisor.leave():
        worker.task.join(5)
    assert len(names) == 1


def test_readers_that_hang_are_not_piled_up(free: threading.Event) -> None:
    camera = Camera(["frame", free.wait])
    watched = Watched(camera)
    watched.until(lambda w: camera.opened == 4)
    later = time.monotonic() + 3 * QUICK.open_s
    watched.until(lambda w: time.monotonic() > later)
    assert camera.opened == 4
    free.set()
    watched.until(lambda w: camera.opened > 4)


def test_a_camera_that_is_not_there_is_waited_for() -> None:
    missing = [SourceError("camera: no such device")]
    watched = Watched(Camera(missing, missing, missing, missing, ["frame"]))
    watched.until(lambda w: EventKind.RETURNED in w.kinds)
    assert watched.kinds == [
        EventKind.MISSING,
        EventKind.RECONNECTING,
        EventKind.RECONNECTING,
        EventKind.RETURNED,
    ]
    assert "attempt 2: no such device: next in" in str(watched.told[2])


def test_a_long_outage_is_told_in_few_lines() -> None:
    watched = Watched(Camera([SourceError("camera: gone")]), options=QUICK)
    watched.until(lambda w: w.kinds.count(EventKind.RECONNECTING) == 5)
    attempts = [event.detail.split(":")[0] for event in watched.told[1:]]
    assert attempts == [f"attempt {n}" for n in (1, 2, 4, 8, 16)]


def test_without_reconnecting_the_error_is_the_end() -> None:
    watched = Watched(Camera(["frame", SourceLost("camera: gone")]), reconnect=False)
    watched.until(lambda w: w.supervisor.finished)
    assert isinstance(watched.supervisor.error, SourceLost)


def test_a_wrong_option_is_not_tried_again() -> None:
    watched = Watched(Camera(["frame", OptionError("fourcc")]))
    watched.until(lambda w: w.supervisor.finished)
    assert isinstance(watched.supervisor.error, OptionError)


def test_the_end_of_a_stream_is_no_loss() -> None:
    watched = Watched(Camera(["frame", EndOfStream("camera")]))
    watched.until(lambda w: w.supervisor.finished)
    assert watched.supervisor.error is None
    assert EventKind.LOST not in watched.kinds


def test_a_slow_camera_is_not_silent() -> None:
    class SlowConnection(Connection):
        fps = 1.0  # type: ignore[assignment]

    class SlowCamera(Camera):
        def open(self) -> Connection:
            self.opened += 1
            return SlowConnection(self, ["frame", lambda: time.sleep(0.8), "frame"])

    watched = Watched(SlowCamera())
    watched.until(lambda w: len(w.basket.frames) == 2)
    assert EventKind.STALLED not in watched.kinds


def test_a_library_that_raises_anything_does_not_end_the_supervision() -> None:
    watched = Watched(Camera(["frame", ZeroDivisionError("in a driver")], ["frame"]))
    watched.until(lambda w: EventKind.RETURNED in w.kinds)
    assert "in a driver" in str(watched.told)
