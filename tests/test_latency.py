"""The clock that is drawn into frames, and what it tells of a line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)


@pytest.mark.parametrize("time_s", [0.0, 12.345678, 1_000_000.000001])
def test_a_moment_is_read_back_from_a_jpeg(time_s: float) -> None:
    from bench.time_strip import draw_strip, read_strip

    image = np.random.default_rng(0).integers(0, 256, (64, 400, 3), dtype=np.uint8)
    draw_strip(image, time_s)
    good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert good
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    for picture in (image, np.asarray(decoded, np.uint8)):
        assert read_strip(picture) == pytest.approx(time_s, abs=1e-6)


def test_glass_to_glass_is_the_network_and_little_more() -> None:
    words = "-m bench.latency --size 320x240 --fps 10 --seconds 4 --json".split()
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    told = json.loads(done.stdout)
    assert told["pictures"] > 3
    assert told["network and look, p50 ms"] <= told["glass to glass, p50 ms"] + 1
    assert told["glass to glass, p95 ms"] < 3000
