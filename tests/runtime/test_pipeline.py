"""The pipeline with scripted sources, stylizers and outputs: no files, no codecs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from hsi.runtime.buffer_pool import BufferPool
from hsi.runtime.errors import OutputError, SourceError
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import Skipped, ViewerClosed
from hsi.runtime.pipeline import run_feeds, run_stream
from hsi.runtime.run_options import Policy, RunOptions
from hsi.runtime.run_summary import Progress, RunSummary
from hsi.runtime.source import EndOfStream, SourceLost


class ScriptedSource:
    """Gives `count` numbered frames, or does what `instead` says at a number."""

    def __init__(
        self,
        count: int = 10,
        *,
        live: bool = False,
        pause_s: float = 0.0,
        instead: dict[int, Any] | None = None,
        name: str = "scripted",
    ) -> None:
        self.name, self.live, self.fps = name, live, 25.0
        self.size, self.frame_count = (8, 4), count
        self.given = 0
        self.closed_in: str | None = None
        self._pause_s = pause_s
        self._instead = instead or {}

    def read(self, timeout_s: float) -> Frame | None:
        time.sleep(self._pause_s)
        action = self._instead.get(self.given)
        if isinstance(action, BaseException):
            raise action
        if callable(action):
            action()
        if self.given >= self.frame_count:
            raise EndOfStream(self.name)
        number = self.given
        self.given += 1
        image = np.full((4, 8, 3), number, np.uint8)
        return Frame(image=image, number=number, time_s=number / 25, source=self.name)

    def close(self) -> None:
        self.closed_in = threading.current_thread().name

    def __enter__(self) -> ScriptedSource:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


class Collector:
    """Keeps the numbers and a copy of one value of every image."""

    name = "collector"
    thread_bound = False

    def __init__(self, pause_s: float = 0.0, instead: dict[int, BaseException] | None = None):
        self.numbers: list[int] = []
        self.values: list[int] = []
        self.shapes: set[tuple[int, ...]] = set()
        self.threads: set[str] = set()
        self._pause_s = pause_s
        self._instead = instead or {}

    def write(self, frame: Frame, image: Image) -> None:
        time.sleep(self._pause_s)
        self.threads.add(threading.current_thread().name)
        self.numbers.append(frame.number)
        self.values.append(int(image[0, 0, 0]))
        self.shapes.add(image.shape)
        if frame.number in self._instead:
            raise self._instead[frame.number]

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *reason: object) -> None:
        pass


def invert(frame: Frame) -> Image:
    return np.subtract(np.uint8(255), frame.image)


def slowly(seconds: float) -> Callable[[Frame], Image]:
    def stylize(frame: Frame) -> Image:
        time.sleep(seconds)
        return invert(frame)

    return stylize


def _is_balanced(summary: RunSummary) -> bool:
    return summary.captured == summary.shown + sum(summary.dropped.values())


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        new = set(threading.enumerate()) - before
        left = [thread.name for thread in new if thread.name.startswith("hsi-")]
        if not left:
            return
        time.sleep(0.01)
    pytest.fail(f"threads left behind: {left}")


@pytest.fixture
def free() -> Iterator[threading.Event]:
    """What a hanging library waits for, until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_every_frame_of_a_file_arrives_once_and_in_order() -> None:
    source, output = ScriptedSource(50), Collector()
    summary = run_stream([source], invert, [output])
    assert output.numbers == list(range(50))
    assert output.values == [255 - n for n in range(50)]
    assert (summary.captured, summary.shown) == (50, 50)
    assert not any(summary.dropped.values())
    assert not summary.stopped
    assert summary.sources == ("scripted",)


def test_every_stage_is_measured() -> None:
    summary = run_stream([ScriptedSource(20, pause_s=0.002)], slowly(0.005), [Collector(0.003)])
    stages = summary.stages
    assert [stages[name].count for name in stages] == [20] * 4
    assert stages["capture"].p50_ms >= 1.98
    assert stages["infer"].p50_ms >= 4.95
    assert stages["output"].p50_ms >= 2.97
    assert stages["end_to_end"].p50_ms >= 8
    assert summary.overhead_ms is not None


def test_stages_overlap() -> None:
    summary = run_stream([ScriptedSource(20, pause_s=0.02)], slowly(0.02), [Collector(0.02)])
    # One after another this takes 1.2 s, overlapped 0.44 s.
    assert summary.elapsed_s < 1.0


def test_outputs_and_sources_have_threads_of_their_own() -> None:
    source, outputs = ScriptedSource(3), [Collector(), Collector()]
    run_stream([source], invert, outputs)
    names = [name for output in outputs for name in output.threads]
    assert len(set(names)) == 2
    assert all(name.startswith("hsi-output-") for name in names)
    assert source.closed_in is not None
    assert source.closed_in.startswith("hsi-capture-")


def test_a_window_is_written_in_the_callers_thread() -> None:
    window, recording = Collector(), Collector()
    window.thread_bound = True
    run_stream([ScriptedSource(5)], invert, [window, recording])
    assert window.numbers == recording.numbers == list(range(5))
    assert window.threads == {threading.current_thread().name}


def test_all_outputs_get_every_frame() -> None:
    outputs = [Collector(), Collector()]
    summary = run_stream([ScriptedSource(5)], invert, outputs)
    assert [output.numbers for output in outputs] == [list(range(5))] * 2
    assert summary.outputs == ("collector", "collector")


def test_sources_play_one_after_another() -> None:
    first, second = ScriptedSource(3, name="a"), ScriptedSource(2, name="b")
    output = Collector()
    opened: list[str] = []

    def sources() -> Iterator[ScriptedSource]:
        for source in (first, second):
            opened.append(source.name)
            yield source
            assert source.closed_in is not None

    summary = run_stream(sources(), invert, [output])
    assert output.numbers == [0, 1, 2, 0, 1]
    assert summary.sources == ("a", "b")
    assert opened == ["a", "b"]


def test_a_live_source_drops_old_frames_and_counts_them() -> None:
    source, output = ScriptedSource(60, live=True, pause_s=0.003), Collector()
    summary = run_stream([source], slowly(0.02), [output])
    assert output.numbers == sorted(set(output.numbers))
    assert output.numbers[-1] == 59
    assert source.given == summary.captured == 60
    assert summary.shown == len(output.numbers) < 30
    assert summary.dropped["newer"] == 60 - summary.shown == sum(summary.dropped.values())
    assert summary.overhead_ms is None


def test_a_live_source_shows_the_newest_frame() -> None:
    source, output = ScriptedSource(100, live=True, pause_s=0.002), Collector()
    ages: list[int] = []

    def stylize(frame: Frame) -> Image:
        ages.append(source.given - 1 - int(frame.image[0, 0, 0]))
        time.sleep(0.02)
        return frame.image

    run_stream([source], stylize, [output])
    assert max(ages) <= 10  # queued up, they would come to 90


def test_every_keeps_all_frames_of_a_live_source() -> None:
    source, output = ScriptedSource(15, live=True), Collector()
    summary = run_stream([source], slowly(0.005), [output], RunOptions(policy=Policy.EVERY))
    assert output.numbers == list(range(15))
    assert not any(summary.dropped.values())


def test_latest_plays_a_file_in_real_time() -> None:
    summary = run_stream(
        [ScriptedSource(11)], slowly(0.1), [Collector()], RunOptions(policy=Policy.LATEST)
    )
    assert summary.elapsed_s > 0.38  # 11 frames at 25 a second
    assert summary.dropped["newer"] > 0
    assert _is_balanced(summary)


@pytest.mark.parametrize("live", [False, True])
def test_frames_ends_the_run_after_so_many(live: bool) -> None:
    output = Collector()
    source = ScriptedSource(1000, live=live, pause_s=0.001)
    summary = run_stream([source], slowly(0.004), [output], RunOptions(frames=7))
    assert summary.shown == len(output.numbers) == 7
    assert _is_balanced(summary)
    assert not summary.stopped
    if not live:
        assert summary.captured == 7


def test_frames_counts_over_all_sources() -> None:
    output = Collector()
    sources = [ScriptedSource(3, name="a"), ScriptedSource(30, name="b")]
    run_stream(sources, invert, [output], RunOptions(frames=5))
    assert output.numbers == [0, 1, 2, 0, 1]


def test_duration_counts_stream_time_over_all_sources() -> None:
    output = Collector()
    sources = [ScriptedSource(5, name="a"), ScriptedSource(50, name="b")]
    run_stream(sources, invert, [output], RunOptions(duration_s=0.4))
    assert len(output.numbers) == 10


def test_size_resizes_before_the_network() -> None:
    seen: list[tuple[int, ...]] = []
    output = Collector()

    def stylize(frame: Frame) -> Image:
        seen.append(frame.image.shape)
        assert frame.image.flags.c_contiguous
        return frame.image

    run_stream([ScriptedSource(2)], stylize, [output], RunOptions(size=(6, 10)))
    assert set(seen) == output.shapes == {(10, 6, 3)}


def test_no_copy_is_made_on_the_way() -> None:
    handed: list[Image] = []
    received: list[Image] = []

    class Keeper(Collector):
        def write(self, frame: Frame, image: Image) -> None:
            received.append(image)

    def stylize(frame: Frame) -> Image:
        handed.append(frame.image)
        return frame.image

    run_stream([ScriptedSource(4)], stylize, [Keeper()])
    assert [a is b for a, b in zip(handed, received, strict=True)] == [True] * 4


@pytest.mark.parametrize("live", [False, True])
def test_a_buffer_is_never_overwritten_in_use(live: bool) -> None:
    class Checker(Collector):
        def write(self, frame: Frame, image: Image) -> None:
            before = image.copy()
            time.sleep(0.004)  # the network goes on meanwhile
            assert (image == before).all()
            super().write(frame, image)

    def stylize(frame: Frame, *, out: Image | None = None) -> Image:
        return np.subtract(np.uint8(255), frame.image, out=out)

    pool, outputs = BufferPool(stylize), [Checker(), Checker(pause_s=0.02)]
    source = ScriptedSource(60, live=live, pause_s=0.002)
    feed = Feed(name="a", sources=[source], stylize=pool, outputs=outputs, recycle=pool.give_back)
    summary = run_feeds([feed])
    assert summary.captured == 60
    assert outputs[0].values == [255 - n for n in outputs[0].numbers]


def test_stop_ends_soon_and_writes_what_is_begun() -> None:
    stop = threading.Event()
    output = Collector()
    source = ScriptedSource(10_000, pause_s=0.001)
    threading.Timer(0.1, stop.set).start()
    started = time.monotonic()
    summary = run_stream([source], slowly(0.01), [output], stop=stop)
    assert time.monotonic() - started < 1
    assert summary.stopped
    assert summary.shown == len(output.numbers) > 0
    assert _is_balanced(summary)
    assert output.numbers == list(range(len(output.numbers)))


def test_stop_does_not_wait_for_a_camera_that_hangs(
    free: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()
    source = ScriptedSource(100, live=True, pause_s=0.1, instead={3: free.wait})
    threading.Timer(1.0, stop.set).start()
    started = time.monotonic()
    summary = run_stream([source], invert, [Collector()], RunOptions(drain_s=0.3), stop=stop)
    assert time.monotonic() - started < 2
    assert summary.shown == 3
    assert re.search(r"hsi-capture-\d+ does not end: left behind", caplog.text)


def test_stop_does_not_wait_for_a_network_that_hangs(
    free: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()

    def stylize(frame: Frame) -> Image:
        if frame.image[0, 0, 0] == 2:
            free.wait()
        return frame.image

    threading.Timer(0.1, stop.set).start()
    summary = run_stream(
        [ScriptedSource()], stylize, [Collector()], RunOptions(drain_s=0.3), stop=stop
    )
    assert summary.shown == 2
    assert _is_balanced(summary)
    assert "do not end in time" in caplog.text


def test_a_silent_camera_is_lost_even_when_its_read_hangs(free: threading.Event) -> None:
    source = ScriptedSource(100, live=True, pause_s=0.1, instead={3: free.wait}, name="camera 0")
    output = Collector()
    with pytest.raises(SourceLost, match=r"camera 0: gave no frame for 0\.\d s"):
        run_stream([source], invert, [output], RunOptions(stall_s=0.5, drain_s=0.2))
    assert output.numbers == [0, 1, 2]


def test_a_slow_network_is_no_silent_camera() -> None:
    source = ScriptedSource(8, live=True, pause_s=0.05)
    summary = run_stream([source], slowly(0.25), [Collector()], RunOptions(stall_s=0.2))
    assert summary.shown > 0


def test_a_frame_that_an_output_skips_is_dropped_and_the_next_is_not() -> None:
    output = Collector(instead={2: Skipped(), 5: Skipped()})
    summary = run_stream([ScriptedSource(8)], invert, [output])
    assert output.numbers == list(range(8))
    assert (summary.shown, summary.dropped["slow_output"]) == (6, 2)
    assert _is_balanced(summary)


@pytest.mark.parametrize("live", [False, True])
def test_an_error_of_the_source_comes_out_after_the_frames_before_it(live: bool) -> None:
    output = Collector()
    source = ScriptedSource(live=live, pause_s=0.01, instead={4: SourceError("damaged")})
    with pytest.raises(SourceError, match="damaged"):
        run_stream([source], invert, [output])
    assert output.numbers == [0, 1, 2, 3]
    assert source.closed_in is not None


def test_an_error_of_the_next_source_comes_out() -> None:
    def sources() -> Iterator[ScriptedSource]:
        yield ScriptedSource(2)
        raise SourceError("b.mp4: gone")

    with pytest.raises(SourceError, match=r"b\.mp4: gone"):
        run_stream(sources(), invert, [Collector()])


def test_an_error_of_the_network_comes_out() -> None:
    def stylize(frame: Frame) -> Image:
        raise RuntimeError("no kernel")

    source = ScriptedSource(1000)
    with pytest.raises(RuntimeError, match="no kernel"):
        run_stream([source], stylize, [Collector()])
    assert source.given < 20


def test_an_error_of_an_output_comes_out() -> None:
    source = ScriptedSource(1000)
    with pytest.raises(OutputError, match="disk full"):
        run_stream([source], invert, [Collector(instead={5: OutputError("disk full")})])
    assert source.given < 20


def test_a_closed_window_ends_the_run_well_and_spares_the_others() -> None:
    window, recording = Collector(instead={5: ViewerClosed("display://")}), Collector()
    summary = run_stream([ScriptedSource(1000)], invert, [window, recording])
    assert window.numbers == list(range(6))
    assert recording.numbers[:6] == list(range(6))
    assert summary.stopped
    assert _is_balanced(summary)


def test_a_window_that_fails_keeps_the_processor_for_others() -> None:
    window, recording = Collector(instead={2: OutputError("no screen")}), Collector()
    window.thread_bound = True
    used_s = time.thread_time()
    summary = run_stream([ScriptedSource(20, live=True, pause_s=0.05)], invert, [window, recording])
    assert time.thread_time() - used_s < 0.4  # of a second in which the caller only waits
    assert summary.event_counts["output failed"] == 1
    assert recording.numbers[-1] == 19


def test_a_keyboard_interrupt_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        run_stream([ScriptedSource(1000)], invert, [Collector(instead={5: KeyboardInterrupt()})])


def test_progress_tells_where_the_run_stands() -> None:
    told: list[Progress] = []
    options = RunOptions(progress_s=0.05, expected_frames=50)
    run_stream([ScriptedSource(50)], slowly(0.01), [Collector()], options, told.append)
    assert len(told) >= 5
    assert [p.shown for p in told] == sorted(p.shown for p in told)
    last = told[-1]
    assert last.expected == 50
    assert 10 < last.fps < 105
    assert last.left_s is not None
    assert last.left_s < 5
    assert last.stages["infer"].p50_ms >= 10


def test_progress_is_told_while_nothing_comes() -> None:
    told: list[Progress] = []
    source = ScriptedSource(1, live=True, pause_s=0.5)
    run_stream([source], invert, [Collector()], RunOptions(progress_s=0.05), told.append)
    assert any(p.shown == 0 for p in told)
