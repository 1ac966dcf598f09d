"""The pipeline with scripted sources, stylizers and outputs: no files, no codecs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from hsi.runtime.buffer_pool import BufferPool
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import Skipped
from hsi.runtime.pipeline import run_feeds, run_stream
from hsi.runtime.run_options import Policy, RunOptions
from hsi.runtime.run_summary import Progress
from tests.runtime.scripted import Collector, ScriptedSource, invert, is_balanced, slowly

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


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
    assert is_balanced(summary)


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


def test_a_slow_network_is_no_silent_camera() -> None:
    source = ScriptedSource(8, live=True, pause_s=0.05)
    summary = run_stream([source], slowly(0.25), [Collector()], RunOptions(stall_s=0.2))
    assert summary.shown > 0


def test_a_frame_that_an_output_skips_is_dropped_and_the_next_is_not() -> None:
    output = Collector(instead={2: Skipped(), 5: Skipped()})
    summary = run_stream([ScriptedSource(8)], invert, [output])
    assert output.numbers == list(range(8))
    assert (summary.shown, summary.dropped["slow_output"]) == (6, 2)
    assert is_balanced(summary)


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
