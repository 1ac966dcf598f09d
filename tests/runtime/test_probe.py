from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.cli import main
from hsi.runtime.errors import SourceError
from hsi.runtime.probe import probe


def test_a_camera_tells_its_size_and_its_true_rate() -> None:
    found = probe("test://64x48@20", seconds=1.0)
    assert (found.live, found.size, found.fps) == (True, (64, 48), 20.0)
    assert found.measured_fps == pytest.approx(20, rel=0.3)
    assert found.first_frame_ms >= found.opened_ms > 0
    assert "64x48, live, says 20.00 fps" in str(found)


def test_faults_show() -> None:
    found = probe("fault+test://64x48@50?stall=400ms/300ms&corrupt=0.3", seconds=1.0)
    assert found.longest_gap_ms >= 400
    assert found.corrupt > 3


def test_a_file_tells_its_frames(clip: Path) -> None:
    found = probe(str(clip))
    assert (found.live, found.frame_count) == (False, 20)
    assert ", 20 frames, says 25.00 fps" in str(found)


def test_a_real_camera_tells_how_long_it_takes_to_open(rtsp_camera: Any) -> None:
    rtsp_camera.start()
    found = probe(rtsp_camera.uri)
    assert (found.live, found.size) == (True, (160, 120))
    assert 0 < found.first_frame_ms < 5000


def test_a_silent_source_is_an_error() -> None:
    with pytest.raises(SourceError, match=r"gave no frame in 0\.3 s: check the camera"):
        probe("fault+test://64x48@50?drop=1", seconds=0.3)


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str], clip: Path) -> None:
    assert main(["--probe", str(clip), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == [96, 64]
    assert main(["--probe", "rtsp://me:hunter2@127.0.0.1:9/x"]) == 3
    err = capsys.readouterr().err
    assert err.startswith("hsi-run: rtsp://***@127.0.0.1:9/x: cannot open it: Connection refused")
    assert err.count("\n") == 1
