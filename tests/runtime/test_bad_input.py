"""Every bad input, through the real command: one clear line, its exit code, nothing left behind."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi.runtime.frame import Image

HsiRun = Callable[..., subprocess.CompletedProcess[str]]
StartFake = Callable[..., "subprocess.Popen[str]"]

# Lets a process write no file larger than 100 kB, as a full disk does.
SMALL_FILES = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"

# Root may read and write everything: so become nobody, once all code is loaded.
AS_NOBODY = """
import os
import hsi.runtime.cli, hsi.runtime.player, hsi.runtime.progress
import hsi.runtime.image_source, hsi.runtime.pattern_source, hsi.runtime.video_source
import hsi.runtime.null_output, hsi.runtime.image_output, hsi.runtime.video_output
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
"""


def _noise(number: int, size: tuple[int, int]) -> Image:
    shape = (size[1], size[0], 3)
    return np.random.default_rng(number).integers(0, 255, shape).astype(np.uint8)


def _assert_one_line(done: Any, code: int, *parts: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("hsi-run: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    for part in parts:
        assert part in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        ("gone.mp4 -o out.mp4", 3, "gone.mp4: no such file or folder: check the path"),
        ("gone/ -o out.mp4", 3, "gone/: no such file or folder"),
        ("*.png -o out/", 3, "*.png: no picture there"),
        ("--camera 97 -o out.mp4", 3, "camera 97: there is no /dev/video97"),
        ("http://127.0.0.1:9/x -o out.mp4", 3, "http://127.0.0.1:9/x: cannot open it: Connection"),
        ("rtsp://127.0.0.1:9/x -o out.mp4", 3, "rtsp://127.0.0.1:9/x: cannot open it: Connection"),
        ("ftp://host/x -o out.mp4", 2, "ftp://host/x: unknown kind of source"),
        ("test://64x48 -o out.avi", 2, "out.avi: unknown kind of output"),
        (
            "test://64x48 -o rtsp://@:8554/x",
            2,
            "rtsp://@:8554/x: expected rtsp://HOST[:PORT]/PATH of a server, found none",
        ),
        ("test://64by48 -o out.mp4", 2, "must be WIDTHxHEIGHT"),
        ("test://64x48 --strength 2", 2, "--strength must be from 0 to 1, got 2"),
        ("test://64x48 --size 0x0", 2, "--size must have sides from 1 to 16384 pixels"),
        ("test://64x48 --frames many", 2, "argument --frames: invalid int value: 'many'"),
        ("", 2, "no source: give a camera"),
    ],
)
def test_bad_words(hsi_run: HsiRun, tmp_path: Path, words: str, code: int, part: str) -> None:
    _assert_one_line(hsi_run(*words.split()), code, part)
    assert list((tmp_path / "cwd").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("void.mp4", b"", "void.mp4: the file is empty (0 bytes)"),
        ("void.png", b"", "void.png: the file is empty (0 bytes)"),
        ("notes.mp4", b"dear diary\n" * 50, "notes.mp4: cannot open it: damaged, cut short, or"),
        ("notes.txt", b"dear diary\n" * 50, "notes.txt: is a text, expected a video or a picture"),
        ("notes.png", b"dear diary\n" * 50, "notes.png: not a readable picture (550 bytes)"),
    ],
)
def test_bad_files(hsi_run: HsiRun, tmp_path: Path, name: str, content: bytes, part: str) -> None:
    (tmp_path / name).write_bytes(content)
    _assert_one_line(hsi_run(tmp_path / name, "-o", "out.mp4"), 3, part)
    assert list((tmp_path / "cwd").iterdir()) == []


@pytest.mark.parametrize("name", ["clip.mp4", "photo.jpg"])
def test_a_file_without_permission(start_fake: StartFake, tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / name).write_bytes(b"secret")
    (tmp_path / name).chmod(0)
    process = start_fake(name, "-o", "null:", before=AS_NOBODY)
    out, err = process.communicate(timeout=30)
    done = subprocess.CompletedProcess([], process.returncode, out, err)
    _assert_one_line(done, 3, f"{name}: cannot read it: Permission denied")


def test_a_folder_where_a_file_should_be(hsi_run: HsiRun, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    _assert_one_line(hsi_run(tmp_path / "in", "-o", "out.mp4"), 3, "in: no picture there")


def test_a_video_cut_short_leaves_nothing(
    start_fake: StartFake, make_video: Callable[..., Path], tmp_path: Path
) -> None:
    path = make_video(tmp_path / "in.mkv", count=80, image=_noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    process = start_fake(path, "-o", "out.mp4")
    out, err = process.communicate(timeout=30)
    done = subprocess.CompletedProcess([], process.returncode, out, err)
    _assert_one_line(done, 3, "in.mkv: the video is cut short: 3.2 s expected")
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]


@pytest.mark.parametrize(
    ("output", "part"),
    [
        ("file/out.mp4", "file/out.mp4: cannot write it: a part of the path is a file"),
        ("file/", "file: is a file, expected a folder"),
        ("gone/out.mp4", "gone/out.mp4: cannot write it: the folder does not exist"),
        ("gone/out.png", "gone/out.png: cannot write it: the folder does not exist"),
        ("/proc/out.mp4", "/proc/out.mp4: cannot write it: "),
        ("display://", "-o out.mp4"),
    ],
)
def test_an_output_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, start_fake: StartFake, tmp_path: Path, output: str, part: str
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    (tmp_path / "file").touch()
    process = start_fake("test://64x48@30?frames=1", "-o", output)
    out, err = process.communicate(timeout=30)
    done = subprocess.CompletedProcess([], process.returncode, out, err)
    _assert_one_line(done, 6, part)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_output_folder_without_permission(start_fake: StartFake, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "locked").mkdir(mode=0o555)
    words = ("test://64x48@30?frames=1", "-o", "locked/out.mp4")
    process = start_fake(*words, before=AS_NOBODY)
    out, err = process.communicate(timeout=30)
    done = subprocess.CompletedProcess([], process.returncode, out, err)
    _assert_one_line(done, 6, "locked/out.mp4: cannot write it: no permission to write there")


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv", "out/", "out.png"])
def test_a_file_that_may_not_grow_leaves_nothing(
    start_fake: StartFake, make_video: Callable[..., Path], tmp_path: Path, output: str
) -> None:
    one = output == "out.png"
    clip = make_video(tmp_path / "in.mp4", count=1 if one else 8, size=(640, 480), image=_noise)
    words = [clip, "-o", output, *(["--frames", "1"] if one else [])]
    process = start_fake(*words, before=SMALL_FILES)
    out, err = process.communicate(timeout=60)
    done = subprocess.CompletedProcess([], process.returncode, out, err)
    _assert_one_line(done, 6, "cannot write it: the file is larger than this system allows")
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out/"])
def test_a_full_disk_leaves_nothing_unfinished(
    start_fake: StartFake,
    make_video: Callable[..., Path],
    tmp_path: Path,
    small_disk: Path,
    name: str,
) -> None:
    clip = make_video(tmp_path / "in.mp4", count=40, size=(320, 240), image=_noise)
    process = start_fake(clip, "-o", f"{small_disk}/{name}")
    out, err = process.communicate(timeout=60)
    done = subprocess.CompletedProcess([], process.returncode, out, err)
    _assert_one_line(done, 6, "cannot write it: the disk is full: free some space")
    left = [path.name for path in small_disk.rglob("*") if path.is_file()]
    assert all(path.endswith(".png") for path in left)
    assert not any("part" in path for path in left)
    assert bool(left) == name.endswith("/")
