"""SIGUSR1 to a real run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no SIGUSR1")

RUN = [sys.executable, "-m", "hsi.runtime.cli", "-o", "null:", "--no-verify", "--threads", "1"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start the command, and return it once its camera has been told of."""
    runs = []

    def begin(*words: str) -> subprocess.Popen[str]:
        run = subprocess.Popen(
            [*RUN, *words, "--log-format", "json"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        runs.append(run)
        _read(run, "event")
        return run

    yield begin
    for run in runs:
        run.kill()
        run.communicate()


def _read(run: subprocess.Popen[str], key: str) -> Any:
    assert run.stderr is not None
    for line in run.stderr:
        if key in (values := json.loads(line)):
            return values[key]
    raise AssertionError(f"the run has ended without {key}")


def test_a_signal_is_answered_with_the_status_and_the_run_goes_on(
    start: Callable[..., Any],
) -> None:
    run = start("test://96x64@30", "--style", "great-wave")
    for _ in range(2):
        os.kill(run.pid, signal.SIGUSR1)
        status = _read(run, "status")
        assert status["style"] == "great-wave"
        assert status["cameras"][0]["state"] == "running"
    run.send_signal(signal.SIGINT)
    assert _read(run, "summary")["captured"] > 0
    assert run.wait(30) == 130


def test_a_status_tells_no_password(start: Callable[..., Any]) -> None:
    run = start("rtsp://me:hunter2@127.0.0.1:1/live?token=hunter2", "--reconnect")
    os.kill(run.pid, signal.SIGUSR1)
    status = _read(run, "status")
    assert status["cameras"][0]["state"] == "missing"
    assert "hunter2" not in json.dumps(status)
