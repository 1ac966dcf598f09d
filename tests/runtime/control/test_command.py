"""Tests of `hsi-run -o http://@:PORT/`."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from hsi.runtime.arguments import parse, request_from
from hsi.runtime.control.options import ControlOptions
from hsi.runtime.errors import OptionError


def test_a_page_is_no_output_of_frames(tmp_path: Path) -> None:
    video = str(tmp_path / "out.mp4")
    words = ["test://96x64@20", "-o", "http://@:8080/"]

    alone = request_from(parse(words))
    beside = request_from(parse([*words, "-o", video, "--bind", "0.0.0.0"]))

    assert alone.attachments == (ControlOptions(port=8080),)
    assert alone.outputs == ("null:",)
    assert beside.attachments == (ControlOptions(port=8080, bind="0.0.0.0"),)
    assert beside.outputs == (video,)


def test_bind_without_a_page_is_refused() -> None:
    with pytest.raises(OptionError, match=r"--bind: is of -o http://@:PORT/, which was not"):
        request_from(parse(["test://96x64@20", "--bind", "0.0.0.0"]))


def test_the_token_is_printed_once_and_never_logged(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hsi.runtime.cli", "test://96x64@20", "-vv", "--no-verify"]
    with subprocess.Popen(
        [*command, "-o", "http://@:0/", "--bind", "0.0.0.0"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        told: list[str] = []
        while not (found := re.search(r":(\d+)/\?token=(\S+)", (told or [""])[-1])):
            told.append(run.stderr.readline())
            assert told[-1], "it ended without a notice"
        port, token = found.groups()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as browser:
            assert browser.get(f"/?token={token}", follow_redirects=True).status_code == 200
            assert browser.get("/api/v1/status").status_code == 200
        run.send_signal(signal.SIGINT)
        told += run.communicate(timeout=60)[1].splitlines()

    assert sum(token in line for line in told) == 1
    assert not any("Traceback" in line for line in told)
    assert run.returncode == 130


def test_a_wrong_page_ends_the_command_with_one_line(
    hsi_run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done: Any = hsi_run("test://96x64@20", "-o", "http://0.0.0.0:8080/")

    assert done.returncode == 2
    assert re.fullmatch(r"hsi-run: http://0.0.0.0:8080/: expected http://@:PORT/ .*\n", done.stderr)
