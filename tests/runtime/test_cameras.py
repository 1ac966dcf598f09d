from __future__ import annotations

from pathlib import Path

import pytest

from hsi.runtime.cameras import Camera, local_cameras
from hsi.runtime.cli import main


def _device(folder: Path, name: str, *, index: str, said: str) -> None:
    (folder / name).mkdir()
    (folder / name / "index").write_text(index + "\n")
    (folder / name / "name").write_text(said + "\n")


def test_cameras_are_listed_by_number_without_their_metadata_devices(tmp_path: Path) -> None:
    _device(tmp_path, "video10", index="0", said="Line 3")
    _device(tmp_path, "video2", index="0", said="HD Webcam")
    _device(tmp_path, "video3", index="1", said="HD Webcam")
    (tmp_path / "vbi0").mkdir()
    assert local_cameras(tmp_path) == [
        Camera(address="2", device="/dev/video2", name="HD Webcam"),
        Camera(address="10", device="/dev/video10", name="Line 3"),
    ]


def test_a_machine_without_cameras_has_an_empty_list(tmp_path: Path) -> None:
    assert local_cameras(tmp_path / "gone") == []


def test_the_command_prints_a_line_a_camera(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera(address="2", device="/dev/video2", name="HD Webcam")
    monkeypatch.setattr("hsi.runtime.cameras.cameras", lambda: [camera])
    assert main(["--list-cameras"]) == 0
    assert capsys.readouterr().out == "2  /dev/video2  HD Webcam\n"
    assert main(["--list-cameras", "--json"]) == 0
    assert '"device": "/dev/video2"' in capsys.readouterr().out
    monkeypatch.setattr("hsi.runtime.cameras.cameras", list)
    assert main(["--list-cameras"]) == 0
    assert "no camera found: check the cable" in capsys.readouterr().err
