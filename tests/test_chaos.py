"""A short round of `bench.chaos`, with a real RTSP server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import chaos

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.usefixtures("gst_python")
def test_a_line_outlives_kills_and_a_freeze(tmp_path: Path) -> None:
    words = f"--kills 2 --freezes 1 --only killed --only frozen --json --keep {tmp_path}/rows"
    first, again = (made(words), made(words))

    assert first == again  # what was kept is not made again
    killed, frozen = first
    assert (len(killed["seen_s"]), len(killed["back_s"])) == (2, 2)
    assert (len(frozen["seen_s"]), len(frozen["back_s"])) == (1, 1)
    # The targets are 3 s and 2 s; a busy machine gets more.
    assert max(killed["seen_s"] + frozen["seen_s"]) < 6
    assert max(killed["back_s"] + frozen["back_s"]) < 6
    assert killed["missed"] == frozen["missed"] == killed["broken"] == frozen["broken"] == 0


def made(words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "bench.chaos", *words.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    return json.loads(done.stdout)


def test_a_tool_that_faults_of_the_network_need_is_asked_for_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(chaos.INSIDE, "1")
    monkeypatch.setattr("bench.chaos._ip", lambda words: None)
    monkeypatch.setattr("bench.chaos.python_with_gstreamer", lambda: "python")
    monkeypatch.setattr("shutil.which", lambda tool: None if tool == "nft" else tool)
    monkeypatch.setattr("sys.argv", ["chaos"])

    assert chaos.main() == 1

    error = capsys.readouterr().err
    assert error.startswith("nft: not found, and faults of the network need it: apt-get install")
    assert error.count("\n") == 1
