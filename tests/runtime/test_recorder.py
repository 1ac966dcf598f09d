"""What is recorded is what is replayed: frames, gaps, faults and pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame
from hsi.runtime.null_output import NullOutput
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.recorder import HEAD, LOST, MAGIC, OPENED, Recorder, recorded
from hsi.runtime.replay_source import Recording
from hsi.runtime.run_options import RunOptions
from hsi.runtime.run_summary import RunSummary
from hsi.runtime.source import EndOfStream, Source, SourceLost, open_source

KINDS = (EventKind.LOST, EventKind.STALLED, EventKind.RETURNED)


def _play(
    opened: Callable[[], Source],
    stop: threading.Event | None = None,
    told: list[Event] | None = None,
    **options: Any,
) -> RunSummary:
    feed = Feed(
        name="camera",
        sources=(opened() for _ in range(1)),
        reopen=opened,
        stylize=lambda frame: frame.image,
        outputs=[NullOutput()],
    )
    on_event = None if told is None else told.append
    return run_feeds([feed], RunOptions(**options), stop=stop, on_event=on_event)


def _faults(summary: RunSummary) -> list[EventKind]:
    return [event.kind for event in summary.events if event.kind in KINDS]


def _outages_s(summary: RunSummary) -> list[float]:
    return [e.seconds for e in summary.events if e.kind is EventKind.RETURNED and e.seconds]


def test_losses_and_stalls_come_again_where_they_were(tmp_path: Path) -> None:
    uri = "fault+test://64x48@25?lose=1s&stall=500ms/700ms"
    with Recorder(tmp_path / "line.hsr") as recorder:
        live = _play(partial(recorded, uri, recorder), duration_s=2.4, stall_s=0.3)
    assert EventKind.STALLED in _faults(live)
    replayed = _play(Recording(tmp_path / "line.hsr").open, stall_s=0.3)
    assert _faults(replayed)[:2] == _faults(live)[:2]
    assert _outages_s(replayed)[0] == pytest.approx(_outages_s(live)[0], abs=0.6)
    assert replayed.captured == pytest.approx(live.captured, abs=6)


def test_a_real_camera_that_is_killed_is_replayed(rtsp_camera: Any, tmp_path: Path) -> None:
    rtsp_camera.start()
    stop, told = threading.Event(), list[Event]()
    found: list[RunSummary] = []
    recorder = Recorder(tmp_path / "line.hsr")
    opened = partial(recorded, rtsp_camera.uri, recorder)
    run = threading.Thread(target=lambda: found.append(_play(opened, stop, told)))
    run.start()
    _until(lambda: EventKind.CONNECTED in [event.kind for event in told])
    time.sleep(0.4)
    rtsp_camera.kill()
    time.sleep(0.4)
    rtsp_camera.start()
    _until(lambda: EventKind.RETURNED in [event.kind for event in told])
    time.sleep(0.4)
    stop.set()
    run.join()
    recorder.close()
    replayed = _play(Recording(tmp_path / "line.hsr").open)
    assert _faults(replayed) == _faults(found[0]) == [EventKind.LOST, EventKind.RETURNED]
    assert _outages_s(replayed) == pytest.approx(_outages_s(found[0]), abs=1.0)
    assert replayed.captured == pytest.approx(found[0].captured, abs=5)
    assert replayed.dropped["corrupt"] == 0


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


def _record(path: Path, uri: str, count: int) -> list[Frame]:
    frames: list[Frame] = []
    with Recorder(path) as recorder, recorded(uri, recorder) as source:
        while len(frames) < count:
            frame = source.read(0.5)
            frames += [frame] if frame else []
    return frames


def _replay(uri: str) -> list[Frame]:
    frames: list[Frame] = []
    with open_source(uri) as source:
        while True:
            try:
                frame = source.read(0.5)
            except EndOfStream:
                return frames
            frames += [frame] if frame else []


def test_pictures_and_their_pace_come_again(tmp_path: Path) -> None:
    before = _record(tmp_path / "a.hsr", "test://64x48@25", 20)
    after = _replay(f"replay+{tmp_path}/a.hsr")
    assert len(after) == 20
    assert after[-1].time_s - after[0].time_s == pytest.approx(19 / 25, abs=0.2)
    assert np.abs(after[5].image.astype(int) - before[5].image).mean() < 8
    assert len(_replay(f"replay+file://{tmp_path}/a.hsr")) == 20


def test_a_recording_that_was_cut_off_plays_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "a.hsr"
    _record(path, "test://64x48@100", 20)
    path.write_bytes(path.read_bytes()[:-50])
    assert len(_replay(f"replay+{path}")) == 19


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no recording of hsi-run --record"),
        (b"\0" * 100, "is no recording of hsi-run --record"),
        (MAGIC, "holds no connection to a camera"),
        (MAGIC + HEAD.pack(9, 0.0, 4) + b"abcd", "damaged after 20 bytes"),
        (MAGIC + HEAD.pack(OPENED, 0.0, 2) + b"{}", "damaged, or of a newer version"),
        (MAGIC + HEAD.pack(OPENED, 0.0, 2**31), "damaged after 20 bytes"),
        (
            MAGIC + HEAD.pack(OPENED, 0.0, 43) + b'{"codec":"ansi","extradata":"","fps":null} ',
            "damaged, or of a newer version: ansi",
        ),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.hsr"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=message):
        open_source(f"replay+{path}")


@pytest.mark.parametrize("data", [b"[]", b"{}", b"\xff", b'{"reason": "a\\nb\\u001b[2J"}'])
def test_what_broke_is_one_line_whatever_the_file_says(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.hsr"
    _record(path, "test://64x48@100", 2)
    path.write_bytes(path.read_bytes() + HEAD.pack(LOST, 0.1, len(data)) + data)
    with (
        open_source(f"replay+{path}") as source,
        pytest.raises(SourceLost, match=r"a\.hsr: (lost|a b \[2J)$"),
    ):
        while True:
            source.read(0.1)


def test_a_recording_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.hsr: cannot read it: No such file"):
        open_source(f"replay+{tmp_path}/gone.hsr")


def test_a_full_disk_ends_the_recording_and_not_the_run(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = _record(small_disk / "a.hsr", "test://640x480@200", 60)
    assert len(frames) == 60
    assert "the disk is full" in caplog.text
    assert len(_replay(f"replay+{small_disk}/a.hsr")) > 2


def test_nothing_recorded_is_no_file(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.hsr"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_recorded(inverter: Any, clip: Path, tmp_path: Path) -> None:
    from hsi.runtime.cli import main

    assert (
        main([str(clip), "-o", "null:", "--record", str(tmp_path / "a.hsr")])
        == OptionError.exit_code
    )
    assert list(tmp_path.iterdir()) == []


def test_the_command_records_and_replays(inverter: Any, tmp_path: Path) -> None:
    from hsi.runtime.cli import main

    path = tmp_path / "a.hsr"
    assert main(["test://64x48@50", "-o", "null:", "--frames", "20", "--record", str(path)]) == 0
    assert main([f"replay+{path}", "-o", f"{tmp_path}/a.mkv"]) == 0
    assert (tmp_path / "a.mkv").exists()
