from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.arguments import Request
from hsi.runtime.cli import main
from hsi.runtime.default_output import default_output
from hsi.runtime.errors import BundleError, OutputError, SourceError
from hsi.runtime.inputs import Input
from hsi.runtime.output import NoWindow
from hsi.runtime.player import play
from hsi.runtime.source import open_source

Told = list[tuple[str, Any]]

NAME = r"hsi-run-\d{8}-\d{6}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, on a machine without a screen."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    made = tmp_path / "here"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def _play(*sources: str | Path, **options: Any) -> list[str]:
    told: list[str] = []
    request = Request(sources=tuple(map(str, sources)), **options)
    play(request, lambda progress: None, stop=threading.Event(), tell=told.append)
    return told


def test_without_a_screen_the_run_is_recorded(
    inverter: Told, folder: Path, clip: Path, read_video: Callable[..., Any]
) -> None:
    (told,) = _play(clip)
    (path,) = folder.iterdir()
    assert re.fullmatch(NAME + r"\.mp4", path.name)
    assert len(read_video(path)) == 20
    why = "there is no screen (DISPLAY is not set)"
    assert told == f"no window, because {why}: writing {path.name} instead; -o chooses the output"


def test_the_command_says_so_in_one_line(
    inverter: Told, folder: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(clip), "-q"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"hsi-run: no window, because .* {NAME}\.mp4 instead; -o .*\n", err)


def test_one_picture_becomes_a_picture_and_several_a_folder(
    inverter: Told, folder: Path, make_picture: Callable[..., Path]
) -> None:
    pictures = (make_picture("in/a.jpg"), make_picture("in/b.jpg", 2))
    _play(pictures[0])
    (single,) = folder.iterdir()
    assert re.fullmatch(NAME + r"\.png", single.name)
    single.unlink()
    for sources in (pictures, (pictures[0].parent,)):
        _play(*sources)
        (several,) = folder.iterdir()
        assert re.fullmatch(NAME, several.name)
        assert sorted(path.name for path in several.iterdir()) == ["a.png", "b.png"]
        for path in several.iterdir():
            path.unlink()
        several.rmdir()


@pytest.mark.usefixtures("inverter")
def test_nothing_is_ever_overwritten(
    folder: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "strftime", lambda form: "hsi-run-20260102-030405")
    first = folder / "hsi-run-20260102-030405.mp4"
    first.write_text("of an earlier run")
    with open_source(clip) as source:
        played = Input(name=source.name, first=source, sources=[source])
        with default_output(played, 20, print) as running:
            assert running.name == "hsi-run-20260102-030405-2.mp4"
            _play(clip)
    assert first.read_text() == "of an earlier run"
    third = folder / "hsi-run-20260102-030405-3.mp4"
    assert sorted(folder.iterdir()) == [third, first]
    assert third.stat().st_size > 0


@pytest.mark.parametrize("kind", ["clip", "picture", "pictures"])
def test_a_run_that_fails_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    clip: Path,
    make_picture: Callable[..., Path],
    kind: str,
) -> None:
    def load(*words: Any, **options: Any) -> None:
        assert len(list(folder.iterdir())) == 1
        raise BundleError("m.hsi: damaged")

    picture = make_picture("in/a.jpg")
    monkeypatch.setattr("hsi.runtime.load", load)
    with pytest.raises(BundleError, match=r"m\.hsi: damaged"):
        _play({"clip": str(clip), "picture": str(picture), "pictures": "../in/*.jpg"}[kind])
    assert list(folder.iterdir()) == []


def test_a_missing_source_is_told_before_any_window(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.mp4: no such file"):
        _play("gone.mp4")
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_gone_is_told(folder: Path, clip: Path) -> None:
    folder.rmdir()
    with pytest.raises(OutputError, match=rf"{NAME}\.mp4: cannot write it: the folder does not"):
        _play(clip)


def test_a_window_that_was_asked_for_is_not_replaced(folder: Path, clip: Path) -> None:
    with pytest.raises(NoWindow, match=r"display://: expected a window, .*: write a file instead"):
        _play(clip, outputs=("display://",))
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("inverter", "folder")
def test_a_window_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    shown: list[str] = []

    class Window:
        thread_bound = True

        def __init__(self, uri: str) -> None:
            self.name = uri

        def write(self, frame: Any, image: Any) -> None:
            shown.append(self.name)

        def __enter__(self) -> Window:
            return self

        def __exit__(self, *reason: object) -> None:
            shown.append("closed")

    monkeypatch.setattr("hsi.runtime.display_output.DisplayOutput", Window)
    assert _play(clip) == []
    assert shown == ["display://"] * 20 + ["closed"]
