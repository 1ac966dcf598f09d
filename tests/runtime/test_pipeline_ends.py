"""How a run ends: by a limit, when told, by a fault. Sources, networks and outputs are scripted."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import pytest

from hsi.runtime.errors import OutputError, SourceError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import ViewerClosed
from hsi.runtime.pipeline import run_stream
from hsi.runtime.run_options import RunOptions
from hsi.runtime.source import SourceLost
from tests.runtime.scripted import Collector, ScriptedSource, invert, is_balanced, slowly

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


@pytest.mark.parametrize("live", [False, True])
def test_frames_ends_the_run_after_so_many(live: bool) -> None:
    output = Collector()
    source = ScriptedSource(1000, live=live, pause_s=0.001)
    summary = run_stream([source], slowly(0.004), [output], RunOptions(frames=7))
    assert summary.shown == len(output.numbers) == 7
    assert is_balanced(summary)
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
    assert is_balanced(summary)
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
    assert is_balanced(summary)
    assert "do not end in time" in caplog.text


def test_a_silent_camera_is_lost_even_when_its_read_hangs(free: threading.Event) -> None:
    source = ScriptedSource(100, live=True, pause_s=0.1, instead={3: free.wait}, name="camera 0")
    output = Collector()
    with pytest.raises(SourceLost, match=r"camera 0: gave no frame for 0\.\d s"):
        run_stream([source], invert, [output], RunOptions(stall_s=0.5, drain_s=0.2))
    assert output.numbers == [0, 1, 2]


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
    assert is_balanced(summary)


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
