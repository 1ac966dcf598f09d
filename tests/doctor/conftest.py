"""Machines made of files, and a user who may do little."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hsi.doctor import Machine

MakeMachine = Callable[..., Machine]

_NOBODY = 65534


@pytest.fixture
def make_machine(tmp_path: Path) -> MakeMachine:
    """Write files of the kernel, given as `path=text`, and return the machine they make."""

    def make(files: dict[str, str]) -> Machine:
        root = tmp_path / "root"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        return Machine(root=root)

    return make


@pytest.fixture
def without_rights() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """A context in which this process is a user without rights."""
    return as_nobody


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Go on as a user without rights: root may open everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a module in front of the installed one, for the processes that the doctor starts."""
    site = tmp_path / "site"

    def planted(module: str, source: str) -> None:
        (site / module).mkdir(parents=True)
        (site / module / "__init__.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(site))

    return planted
