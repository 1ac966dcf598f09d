"""A short round of `bench.chaos`, with a real RTSP server."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.usefixtures("gst_python")
def test_a_line_outlives_kills_and_a_freeze() -> None:
    words = ["--kills", "3", "--freezes", "1", "--only", "en", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.chaos", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    rows = {row["fault"]: row for row in json.loads(done.stdout)}
    killed = rows["killed, started again"]
    assert (len(killed["seen_s"]), len(killed["back_s"]), killed["missed"]) == (3, 3, 0)
