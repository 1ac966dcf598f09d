from __future__ import annotations

import io
import json
import logging
import sys
from dataclasses import replace

import pytest

from hsi.runtime.event import Event, EventKind
from hsi.runtime.progress import LineHandler, ProgressLine, text_of_progress, text_of_summary
from hsi.runtime.run_summary import CameraSummary, Progress, RunSummary
from hsi.runtime.scene_watch import DriftSummary
from hsi.runtime.stage_times import STAGES, StageSummary

STAGE_VALUES = {
    name: StageSummary(count=5, mean_ms=n + 0.12345, p50_ms=n + 0.1, p95_ms=n + 0.9, p99_ms=n + 1.0)
    for n, name in enumerate(STAGES)
}
HALF_WAY = Progress(
    shown=50, dropped=0, expected=100, elapsed_s=5, fps=10, left_s=5, stages=STAGE_VALUES
)
DONE = RunSummary(
    sources=("clip.mp4",),
    outputs=("out.mp4",),
    captured=120,
    shown=100,
    dropped={"newer": 18, "stopped": 2},
    elapsed_s=10.0,
    fps=10.0,
    overhead_ms=1.23456,
    stages=STAGE_VALUES,
    cameras={},
    events=(Event(kind=EventKind.LOST, subject="camera 0", detail="no data", time_s=1.0),),
    event_counts={"connected": 2, "lost": 1},
    stopped=False,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_of_a_file_tells_the_total_and_the_time_left() -> None:
    text = text_of_progress(HALF_WAY)
    assert text.startswith("50/100 frames · 10.0 fps · 0:05 left · capture 0.1/0.9 ms · infer")
    assert "end to end 3.1/3.9 ms" in text
    assert "dropped" not in text


def test_progress_of_a_camera_tells_the_time_passed_and_the_drops() -> None:
    text = text_of_progress(
        replace(HALF_WAY, expected=None, left_s=None, elapsed_s=3725, dropped=7)
    )
    assert text.startswith("50 frames · 10.0 fps · 1:02:05 · capture")
    assert text.endswith("7 dropped")


def test_progress_tells_the_drift_where_it_is_known() -> None:
    assert "drift" not in text_of_progress(HALF_WAY)
    assert text_of_progress(replace(HALF_WAY, drift=0.123)).endswith(" · drift 0.12")


def test_a_summary_tells_the_drift_of_each_camera_and_what_was_collected() -> None:
    drift = DriftSummary(mean=0.31, worst=1.62, outside_share=0.08)
    lines = text_of_summary(replace(DONE, drift={"rtsp://line": drift}, collected=3)).splitlines()
    assert lines[-2] == (
        "rtsp://line: drift 0.31 on average, 1.62 at worst, outside the calibration set 8% of the "
        "time"
    )
    assert lines[-1] == "3 frames collected"


def test_a_terminal_gets_one_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    line = ProgressLine(stream)
    line(HALF_WAY)
    line(HALF_WAY)
    line.clear()
    line.clear()
    shown = stream.getvalue().split("\r\x1b[2K")
    assert [len(part) for part in shown] == [0, 39, 39, 0]
    assert "\n" not in stream.getvalue()


def test_a_log_file_gets_a_plain_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("hsi.runtime.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    line = ProgressLine(stream)
    for second in range(25):
        now[0] = float(second)
        line(HALF_WAY)
    assert stream.getvalue().count("\n") == 2
    assert "\x1b" not in stream.getvalue()


def test_quiet_says_nothing() -> None:
    stream = Terminal()
    line = ProgressLine(stream, quiet=True)
    line(HALF_WAY)
    line.clear()
    assert stream.getvalue() == ""


def test_a_log_line_does_not_land_in_the_progress_line() -> None:
    stream = Terminal()
    line = ProgressLine(stream)
    line(HALF_WAY)
    LineHandler(stream, line).emit(logging.makeLogRecord({"msg": "careful"}))
    assert stream.getvalue().endswith("\r\x1b[2Kcareful\n")


def test_a_logged_traceback_tells_no_password() -> None:
    stream = io.StringIO()
    try:
        raise ValueError("rtsp://me:hunter2@camera/x")
    except ValueError:
        record = logging.makeLogRecord({"msg": "fault", "exc_info": sys.exc_info()})
    LineHandler(stream, ProgressLine(stream)).emit(record)
    assert "ValueError: rtsp://***@camera/x" in stream.getvalue()
    assert "Traceback" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_summary_is_a_table_with_the_overhead_and_the_drops() -> None:
    lines = text_of_summary(DONE).splitlines()
    assert lines[0].split() == ["stage", "p50", "ms", "p95", "ms", "mean", "ms"]
    assert lines[2].split() == ["infer", "1.10", "1.90", "1.12"]
    assert lines[5] == "100 frames in 10.00 s: 10.00 fps, overhead 1.23 ms a frame"
    assert lines[6] == "120 captured, dropped: 18 newer, 2 stopped"
    assert lines[7] == "events: 1 lost"


def test_summary_of_several_cameras_tells_of_each() -> None:
    one = CameraSummary(captured=3, shown=1, dropped={"too_old": 2})
    other = CameraSummary(captured=1, shown=1, dropped={"too_old": 0})
    lines = text_of_summary(replace(DONE, cameras={"a": one, "b": other})).splitlines()
    assert lines[7] == "a: 3 captured, dropped: 2 too old"
    assert lines[8] == "b: 1 captured, dropped: none"


def test_a_count_that_does_not_come_out_even_is_refused() -> None:
    with pytest.raises(AssertionError, match="3 frames came in, 2 went out"):
        CameraSummary(captured=3, shown=1, dropped={"newer": 1})


def test_summary_leaves_out_what_there_is_not() -> None:
    text = text_of_summary(replace(DONE, overhead_ms=None, dropped={"newer": 0, "stopped": 0}))
    assert "overhead" not in text
    assert "dropped" not in text
    assert "events" in text
    assert "events" not in text_of_summary(replace(DONE, event_counts={"connected": 1}))


def test_summary_becomes_json() -> None:
    found = json.loads(json.dumps(DONE.as_dict()))
    assert found["overhead_ms"] == 1.235
    assert found["stages"]["infer"] == {
        "count": 5,
        "mean_ms": 1.123,
        "p50_ms": 1.1,
        "p95_ms": 1.9,
        "p99_ms": 2.0,
    }
    assert found["captured"] == found["shown"] + sum(found["dropped"].values())
    assert found["events"][0]["kind"] == "lost"
