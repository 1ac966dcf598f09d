"""A short one; `python -m bench.soak` makes the long one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.usefixtures("gst_python", "gige_cameras")
def test_a_run_with_four_faulty_cameras_leaves_nothing_behind() -> None:
    words = ["--minutes", "0.1", "--warm-up", "0.02", "--settle", "0", "--seed", "30", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", *words], cwd=ROOT, capture_output=True, text=True
    )
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["exit_code"] == 143  # ended by the signal, not by itself
    assert report["faults"]
    cameras = report["summary"]["cameras"]
    assert len(cameras) == 4
    for camera in cameras.values():
        assert camera["shown"] > 0
        assert camera["captured"] == camera["shown"] + sum(camera["dropped"].values())
    # Readers that hang come and go, and a run that has just begun still takes memory.
    growth = report["growth"]
    assert growth["threads"][2] <= growth["threads"][0] + 20
    assert growth["descriptors"][2] <= growth["descriptors"][0] + 15
    assert growth["memory_mb"][2] < 600
