"""Recordings of cameras survive what happens to the process, the disk and the camera."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import pytest

from hsi.runtime.frame import Frame, Image
from hsi.runtime.video_output import VideoOutput

StartFake = Callable[..., "subprocess.Popen[str]"]
ReadVideo = Callable[[Path], list[tuple[float, Image]]]


def _frames_before_the_cut(path: Path) -> int:
    count = 0
    with (
        av.open(str(path), "r") as container,
        contextlib.suppress(av.error.InvalidDataError, av.error.EOFError),
    ):
        for _ in container.decode(video=0):
            count += 1
    return count


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_what_was_written_before_a_crash_can_be_played(
    start_fake: StartFake, tmp_path: Path, read_video: ReadVideo, suffix: str
) -> None:
    process = start_fake("test://320x240@50", "-o", f"out{suffix}")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        parts = list(tmp_path.glob(f".out{suffix}.*.part"))
        if parts and parts[0].stat().st_size > 30_000:  # a second or two
            break
        time.sleep(0.05)
    process.kill()
    process.communicate()
    found = read_video(parts[0])
    assert len(found) > 25
    assert [time_s for time_s, _ in found] == sorted(time_s for time_s, _ in found)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_was_written_before_the_disk_was_full_is_kept(
    start_fake: StartFake, small_disk: Path, suffix: str
) -> None:
    (small_disk / "rest").write_bytes(bytes(200_000))
    process = start_fake("test://640x480@50", "-o", f"{small_disk}/out{suffix}")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert "cannot write it: the disk is full" in err
    assert sorted(path.name for path in small_disk.iterdir()) == [f"out{suffix}", "rest"]
    assert _frames_before_the_cut(small_disk / f"out{suffix}") > 10


def test_a_full_disk_does_not_end_a_run_that_has_another_output(
    start_fake: StartFake, small_disk: Path
) -> None:
    (small_disk / "rest").write_bytes(bytes(260_000))
    process = start_fake(
        "test://1280x720@30", "-o", f"{small_disk}/out.mkv", "-o", "null:", "--duration", "3s"
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert "out.mkv: output failed: cannot write it: the disk is full" in err
    assert " frames in " in err


def test_a_recording_goes_on_in_the_first_size(
    tmp_path: Path, make_frame: Callable[..., Frame], read_video: ReadVideo
) -> None:
    with VideoOutput(tmp_path / "a.mp4", live=True) as output:
        for number, size in enumerate([(96, 64), (96, 64), (64, 64), (192, 128)]):
            frame = make_frame(number, size=size)
            output.write(frame, np.full_like(frame.image, 200))
    found = [image for _, image in read_video(tmp_path / "a.mp4")]
    assert [image.shape for image in found] == [(64, 96, 3)] * 4
    assert int(found[2][:, :14].max()) < 30  # bars beside the narrower picture
    assert int(found[2][:, 20:76].min()) > 170
    assert int(found[3].min()) > 170


def test_a_recording_is_kept_whatever_happens(
    tmp_path: Path, make_frame: Callable[..., Frame], read_video: ReadVideo
) -> None:
    with (
        pytest.raises(ZeroDivisionError, match="fault"),
        VideoOutput(tmp_path / "a.mp4", live=True) as output,
    ):
        output.write(make_frame(), make_frame().image)
        raise ZeroDivisionError("fault")
    assert len(read_video(tmp_path / "a.mp4")) == 1


def test_a_file_that_another_thread_still_writes_is_not_closed(
    tmp_path: Path,
    make_frame: Callable[..., Frame],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("hsi.runtime.video_output._CLOSING_S", 0.05)
    output: Any = VideoOutput(tmp_path / "a.mkv", live=True)
    with output:
        output.write(make_frame(), make_frame().image)
        output._writing.acquire()
    assert "a.mkv: cannot be finished" in caplog.text
    output._writing.release()
    output.__exit__(None, None, None)
    assert (tmp_path / "a.mkv").exists()
