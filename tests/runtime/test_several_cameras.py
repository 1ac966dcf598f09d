"""Several cameras and several outputs in one run, with test patterns as cameras."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hsi.runtime.errors import OutputError, SourceError
from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.run_options import Policy, RunOptions
from hsi.runtime.run_summary import RunSummary
from hsi.runtime.source import Source, SourceLost, open_source


class Sink:
    """Keeps frames, and does something before each."""

    thread_bound = False

    def __init__(self, before: Callable[[int], object] = lambda number: None, name: str = "sink"):
        self.name = name
        self.frames: list[Frame] = []
        self._before = before

    def write(self, frame: Frame, image: Image) -> None:
        self._before(len(self.frames))
        self.frames.append(frame)

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *reason: object) -> None:
        pass


class Broken:
    """A camera that gives a frame and fails, every time it is opened."""

    name, live, fps, size, frame_count = "broken", True, None, (16, 16), None

    def __init__(self) -> None:
        self._inner = open_source("test://16x16@100")

    def read(self, timeout_s: float) -> Frame | None:
        frame = self._inner.read(timeout_s)
        if frame is not None and frame.number:
            raise SourceLost("broken: gone")
        return frame

    def close(self) -> None:
        pass

    def __enter__(self) -> Broken:
        return self

    def __exit__(self, *reason: object) -> None:
        pass


def _feed(source: str | Source, *sinks: Sink, pause_s: float = 0.0, **more: Any) -> Feed:
    opened: Any = open_source(source) if isinstance(source, str) else source

    def stylize(frame: Frame) -> Image:
        time.sleep(pause_s)
        return frame.image

    return Feed(name=opened.name, sources=[opened], stylize=stylize, outputs=sinks, **more)


def _is_balanced(summary: RunSummary) -> bool:
    return all(
        one.captured == one.shown + sum(one.dropped.values()) for one in summary.cameras.values()
    )


@pytest.fixture
def free() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_cameras_play_at_the_same_time_and_take_turns() -> None:
    fast, slow = Sink(), Sink()
    feeds = [
        _feed("test://16x16@200?frames=200", fast, pause_s=0.02),
        _feed("test://16x16@10?frames=10", slow, pause_s=0.02),
    ]
    summary = run_feeds(feeds)
    # The busy one fills every gap, and the calm one is never passed over twice.
    assert summary.elapsed_s < 3
    assert len(slow.frames) >= 8
    assert summary.cameras["test://16x16@200?frames=200"].dropped["newer"] > 50
    assert {one.captured for one in summary.cameras.values()} == {200, 10}
    assert _is_balanced(summary)


def test_a_camera_that_fails_touches_no_other() -> None:
    good, bad = Sink(), Sink()
    told: list[Event] = []
    options = RunOptions(back_off_s=(0.01, 0.02), duration_s=1.0)
    feeds = [
        _feed("test://16x16@50?frames=50", good),
        _feed(Broken(), bad, reopen=Broken),
    ]
    summary = run_feeds(feeds, options, on_event=told.append)
    assert len(good.frames) >= 45
    assert len(bad.frames) >= 2
    assert {event.subject for event in told if event.kind is EventKind.LOST} == {"broken"}
    assert [f.number for f in bad.frames] == sorted({f.number for f in bad.frames})
    assert _is_balanced(summary)


def test_a_camera_that_hangs_touches_no_other(free: threading.Event) -> None:
    class Hanging(Broken):
        def read(self, timeout_s: float) -> Frame | None:
            free.wait()
            return None

    good = Sink()
    options = RunOptions(stall_s=0.2, drain_s=0.5, duration_s=1.0)
    feeds = [_feed("test://16x16@50?frames=50", good), _feed(Hanging(), Sink(), reopen=Hanging)]
    assert run_feeds(feeds, options).event_counts["stalled"] == 1
    assert len(good.frames) >= 45


def test_without_reconnecting_the_others_play_to_their_end_and_the_error_follows() -> None:
    good = Sink()
    feeds = [_feed(Broken(), Sink()), _feed("test://16x16@50?frames=25", good)]
    with pytest.raises(SourceError, match="broken: gone"):
        run_feeds(feeds)
    assert len(good.frames) >= 20


def test_a_slow_output_keeps_no_other_waiting() -> None:
    quick, slow = Sink(), Sink(lambda number: time.sleep(0.2))
    summary = run_feeds([_feed("test://16x16@50?frames=50", quick, slow)])
    assert len(quick.frames) >= 40
    assert len(slow.frames) <= 10
    assert len(quick.frames) <= summary.shown <= summary.captured
    assert _is_balanced(summary)


def test_a_slow_output_alone_drops_frames_by_its_name() -> None:
    slow = Sink(lambda number: time.sleep(0.2))
    summary = run_feeds([_feed("test://16x16@50?frames=50", slow)])
    assert summary.dropped["slow_output"] >= 30
    assert summary.shown == len(slow.frames)
    assert _is_balanced(summary)


def test_every_waits_for_a_slow_output() -> None:
    slow, quick = Sink(lambda number: time.sleep(0.01)), Sink()
    options = RunOptions(policy=Policy.EVERY)
    summary = run_feeds([_feed("test://16x16?frames=30&realtime=0", slow, quick)], options)
    assert len(slow.frames) == len(quick.frames) == summary.shown == 30


def test_an_output_that_hangs_keeps_no_other_waiting(free: threading.Event) -> None:
    quick, hung = Sink(), Sink(lambda number: free.wait())
    options = RunOptions(drain_s=0.3)
    summary = run_feeds([_feed("test://16x16@50?frames=30", quick, hung)], options)
    assert len(quick.frames) >= 25
    assert _is_balanced(summary)


def test_an_output_that_fails_is_given_up_and_the_others_go_on() -> None:
    def fail(number: int) -> None:
        if number == 3:
            raise OutputError("a.mp4: disk full")

    good, bad = Sink(), Sink(fail, "a.mp4")
    summary = run_feeds([_feed("test://16x16?frames=30&realtime=0", good, bad)])
    assert len(good.frames) == summary.shown == 30
    assert len(bad.frames) == 3
    assert [str(event) for event in summary.events] == ["a.mp4: output failed: disk full"]


def test_frames_that_waited_too_long_are_dropped() -> None:
    sink = Sink()
    feed = _feed("test://16x16@100?frames=40", sink, pause_s=0.05)
    summary = run_feeds([feed], RunOptions(policy=Policy.EVERY, max_age_s=0.06, queue=5))
    assert summary.dropped["too_old"] > 5
    assert summary.captured == 40
    assert _is_balanced(summary)


def test_frames_say_how_old_they_are_and_that_they_are_stylised() -> None:
    ages: list[float] = []
    sink = Sink(lambda number: None)
    write = sink.write

    def noting(frame: Frame, image: Image) -> None:
        ages.append(frame.age_s())
        write(frame, image)

    sink.write = noting  # type: ignore[method-assign]
    run_feeds([_feed("test://16x16@50?frames=5", sink, pause_s=0.02)])
    assert all(frame.stylised for frame in sink.frames)
    assert all(0.02 <= age < 2 for age in ages)


def test_the_same_camera_twice_has_two_accounts() -> None:
    uri = "test://16x16@50?frames=5"
    summary = run_feeds([_feed(uri, Sink()), _feed(uri, Sink())])
    assert sorted(summary.cameras) == [uri, f"{uri} #2"]


def test_a_duration_ends_a_run_whose_camera_is_silent() -> None:
    def missing() -> Source:
        raise SourceError("camera: not there")

    feed = Feed(
        name="camera",
        sources=(missing() for _ in range(1)),
        reopen=missing,
        stylize=lambda frame: frame.image,
        outputs=[Sink()],
    )
    started = time.monotonic()
    summary = run_feeds([feed], RunOptions(duration_s=1.2))
    assert 1.2 <= time.monotonic() - started < 5
    assert (summary.captured, summary.stopped) == (0, False)
