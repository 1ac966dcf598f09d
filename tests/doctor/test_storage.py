from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from hsi.doctor import Level
from hsi.doctor.storage import folder


def test_a_folder_is_written_and_left_as_it_was(tmp_path: Path) -> None:
    (found,) = folder(tmp_path)

    assert found.level is not Level.FAULT
    assert f"{tmp_path}: " in found.text
    assert "MB/s" in found.text
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_is_missing_says_how_to_make_it(tmp_path: Path) -> None:
    (found,) = folder(tmp_path / "out")

    assert found.level is Level.FAULT
    assert found.mend == f"run mkdir -p {tmp_path / 'out'}"


def test_a_closed_folder_is_a_fault(
    open_folder: Path, without_rights: Callable[[], AbstractContextManager[None]]
) -> None:
    open_folder.chmod(0o555)

    with without_rights():
        (found,) = folder(open_folder)

    assert found.level is Level.FAULT
    assert found.text == f"{open_folder} cannot be written: Permission denied"


def test_a_full_disk_is_a_fault(small_disk: Path) -> None:
    (found,) = folder(small_disk)

    assert found.level is Level.FAULT
    assert "cannot be written: No space left on device" in found.text
    assert not [*small_disk.iterdir()]
