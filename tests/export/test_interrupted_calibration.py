"""A calibration that is interrupted, by real signals to a real process, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.bundle import Bundle

# The command itself, but for writing the graphs anew and comparing large frames with them, which
# take most of its time.
EXPORT = """
import signal, sys
from pathlib import Path
# Shells start what runs in the background with this signal ignored, tests among it.
signal.signal(signal.SIGINT, signal.default_int_handler)
from hsi.export import exporter
from hsi.export.cli import main
for name in ("style_encoder", "stylizer"):
    data = Path(sys.argv[1], f"{name}.onnx").read_bytes()
    setattr(exporter, f"{name}_onnx", lambda network, data=data: data)
options = exporter.ExportOptions
exporter.ExportOptions = lambda **given: options(sizes=((96, 80),), **given)
sys.exit(main(sys.argv[2:]))
"""
LAST_STEP = "torch against ONNX Runtime at 96x80: "  # said when the calibration begins
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(checkpoint: Path, bundle: Bundle, tmp_path: Path) -> Iterator[Start]:
    """Start an export to INT8 in a folder of its own, and wait until it calibrates."""
    graphs, folder = tmp_path / "graphs", tmp_path / "bundles"
    for place in (graphs, folder, tmp_path / "temporary"):
        place.mkdir()
    for name in ("style_encoder.onnx", "stylizer.onnx"):
        (graphs / name).write_bytes(bundle.read(name))
    running: list[subprocess.Popen[str]] = []

    def export(place: str) -> subprocess.Popen[str]:
        words = [str(checkpoint), "-o", str(folder / "a.hsi"), "--precision", "int8"]
        process = subprocess.Popen(
            [sys.executable, "-c", EXPORT, str(graphs), *words, "--calib", place],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(tmp_path / "temporary"), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stderr is not None
        assert any(line.startswith(LAST_STEP) for line in process.stderr)
        return process

    yield export
    for process in running:
        with process:
            process.kill()


def left_behind(tmp_path: Path) -> list[str]:
    places = (tmp_path / "bundles", tmp_path / "temporary")
    names = [path.name for place in places for path in place.rglob("*")]
    return [name for name in names if name != ".ses"]  # ONNX Runtime's own, from its import on


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_during_the_calibration_leaves_nothing(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    process = start("test://128x96@10")
    time.sleep(1)  # ten of thousands of frames

    process.send_signal(number)
    told = process.communicate(timeout=30)[1]

    if number == signal.SIGINT:
        assert process.returncode == 130
        assert told == "hsi-export: interrupted, nothing written\n"
    else:
        assert process.returncode == -number
    assert left_behind(tmp_path) == []


def test_a_camera_that_dies_during_the_calibration_leaves_nothing(
    start: Start, tmp_path: Path, rtsp_camera: Any
) -> None:
    rtsp_camera.start()
    process = start(rtsp_camera.uri)
    time.sleep(1.5)

    rtsp_camera.kill()
    out, told = process.communicate(timeout=30)

    assert (process.returncode, out) == (3, "")
    assert told.splitlines()[-1].startswith(f"hsi-export: {rtsp_camera.uri}: ")
    assert told.splitlines()[-1].endswith(": check the camera and the network")
    assert left_behind(tmp_path) == []
