from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.cli import main

HsiRun = Callable[..., subprocess.CompletedProcess[str]]
StartFake = Callable[..., "subprocess.Popen[str]"]


def test_help_is_quick_and_shows_examples(hsi_run: HsiRun) -> None:
    started = time.monotonic()
    done = hsi_run("--help")
    assert done.returncode == 0
    for text in ("what goes in and out:", "examples:", "exit codes:", "--camera 0"):
        assert text in done.stdout
    # The promise is half a second; a busy machine gets more.
    assert time.monotonic() - started < 3


def test_help_loads_no_video_library_and_no_engine() -> None:
    code = (
        "import sys\n"
        "from hsi.runtime.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'av', 'onnxruntime', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("set()\n"), done.stdout[-200:] + done.stderr


def test_version_and_styles_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hsi-run ")
    assert main(["--list-styles"]) == 0
    assert "starry-night" in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("inverter")
def test_a_run_ends_with_a_table_on_stderr(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(clip), "-o", f"{tmp_path}/a.mp4"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "20 frames in" in err
    assert f"engine inverter, output {tmp_path}/a.mp4" in err


@pytest.mark.usefixtures("inverter")
def test_json_is_all_there_is_on_stdout(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(clip), "-o", "null:", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["engine"], found["shown"], found["captured"]) == ("inverter", 20, 20)
    assert found["stages"]["infer"]["count"] == 20
    assert err == ""


@pytest.mark.usefixtures("inverter")
def test_quiet_says_nothing(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(clip), "-o", "null:", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_fault_of_ours_is_one_line_without_passwords(
    monkeypatch: pytest.MonkeyPatch, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(*words: Any, **options: Any) -> None:
        raise ZeroDivisionError("at rtsp://me:hunter2@camera\nand more")

    monkeypatch.setattr("hsi.runtime.load", load)
    assert main([str(clip), "-o", "null:"]) == 6
    err = capsys.readouterr().err
    assert err.startswith("hsi-run: internal fault: ZeroDivisionError: at rtsp://***@camera and")
    assert err.count("\n") == 1
    assert main([str(clip), "-o", "null:", "-vv"]) == 6
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "hunter2" not in err


def test_logging_is_left_as_it_was(clip: Path) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    main([str(clip), "-o", "gone/out.mp4", "-vv"])
    assert (root.level, list(root.handlers)) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_the_video_can_be_played(
    start_fake: StartFake,
    tmp_path: Path,
    read_video: Callable[..., Any],
    number: signal.Signals,
    code: int,
) -> None:
    process = start_fake("test://320x240@50", "-o", "out.mp4", "--json", infer_s=0.01)
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob(".out.mp4.*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    asked = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - asked < 5
    assert (process.returncode, err) == (code, "")
    summary = json.loads(out)
    assert summary["stopped"]
    assert summary["captured"] == summary["shown"] + sum(summary["dropped"].values())
    assert len(read_video(tmp_path / "out.mp4")) == summary["shown"] > 5
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_signal_while_the_network_is_slow_ends_within_five_seconds(
    start_fake: StartFake, tmp_path: Path
) -> None:
    process = start_fake("test://64x48@50", "-o", "out.mp4", "-v", infer_s=30)
    assert process.stderr is not None
    assert "64, 48" in process.stderr.readline()  # it runs
    time.sleep(0.5)
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert time.monotonic() - asked < 5
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == []


def test_no_password_is_told_anywhere(
    start_fake: StartFake, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start_fake(
        "rtsp://me:hunter2@127.0.0.1:9/live?token=hunter2", "-o", "null:", "-vv", "--json"
    )
    out, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "hunter2" not in out + err
    assert "rtsp://***@127.0.0.1:9/live?token=***: cannot open it" in err


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    command = [sys.executable, "-m", "hsi.runtime.cli", "test://64x64@30?frames=2&realtime=0"]
    with subprocess.Popen(
        [*command, "-o", "null:", "--json", "--no-verify"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout and running.stderr
        running.stdout.close()
        said = running.stderr.read()
    assert running.returncode == 128 + signal.SIGPIPE
    assert "fault" not in said
