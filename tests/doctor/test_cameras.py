from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from hsi.doctor import Level, Machine
from hsi.doctor.cameras import cameras, genicam_cameras

MakeMachine = Callable[..., Machine]
Rights = Callable[[], AbstractContextManager[None]]
LISTED = {"sys/class/video4linux/video0/name": "HD Webcam"}
PLUGGED = {**LISTED, "dev/video0": ""}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cameras are files on Linux")


def test_a_camera_that_opens_is_fine(make_machine: MakeMachine) -> None:
    (camera,) = cameras(make_machine(PLUGGED))

    assert (camera.level, camera.text) == (Level.OK, "HD Webcam, /dev/video0")


def test_a_camera_without_permission_names_the_group(
    open_folder: Path, without_rights: Rights
) -> None:
    for name, text in PLUGGED.items():
        path = open_folder / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    (open_folder / "dev" / "video0").chmod(0)

    with without_rights():
        (camera,) = cameras(Machine(root=open_folder))

    assert (camera.level, camera.text) == (
        Level.FAULT,
        "HD Webcam: no permission to open /dev/video0",
    )
    assert "usermod -aG video" in camera.mend


def test_no_camera_is_a_note(make_machine: MakeMachine) -> None:
    (found,) = cameras(make_machine({}))

    assert found.level is Level.NOTE


def test_a_camera_in_use_names_who_has_it(make_machine: MakeMachine) -> None:
    machine = make_machine({**PLUGGED, "proc/4711/comm": "firefox"})
    links = machine.path("proc/4711/fd")
    links.mkdir()
    (links / "9").symlink_to(machine.path("dev/video0"))

    (camera,) = cameras(machine)

    assert camera.level is Level.WARNING
    assert "/dev/video0 is open in firefox (process 4711)" in camera.text


@pytest.mark.parametrize(
    ("told", "level", "text"),
    [
        ({"error": "libaravis is missing"}, Level.NOTE, "cannot be opened: libaravis is missing"),
        ({"error": "crashes the process with SIGSEGV"}, Level.NOTE, "with SIGSEGV"),
        ({"cameras": []}, Level.NOTE, "no camera answers"),
        ({"cameras": ["Basler acA, 10.0.0.7"]}, Level.OK, "Basler acA, 10.0.0.7"),
    ],
)
def test_cameras_of_machine_vision_are_told_by_who_answers(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], level: Level, text: str
) -> None:
    monkeypatch.setattr("hsi.doctor.cameras.tried", lambda what: [told])

    (found,) = genicam_cameras()

    assert found.level is level
    assert found.text.endswith(text)


def test_the_search_for_machine_vision_ends_in_a_finding() -> None:
    (*_, found) = genicam_cameras()

    assert found.level in (Level.OK, Level.NOTE)


@pytest.mark.parametrize(("mib", "told"), [("16", True), ("1000", False), ("0", False)])
def test_little_usb_memory_is_noted(make_machine: MakeMachine, mib: str, told: bool) -> None:
    machine = make_machine({**PLUGGED, "sys/module/usbcore/parameters/usbfs_memory_mb": mib})

    subjects = [found.subject for found in cameras(machine)]

    assert ("usb" in subjects) is told
