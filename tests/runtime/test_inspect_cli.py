from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.inspect_cli import main
from hsi.runtime.manifest import Manifest

Repack = Callable[..., Path]
Damage = Callable[[Path, Repack], object]


def test_it_shows_what_a_bundle_is(small_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(small_bundle)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for line in (
        f"{small_bundle}",
        "  network         small (hsi-edge), exported 2026-01-01T00:00:00+00:00",
        "  frames          64 to 8192 pixels a side, any size between; stride 8, ",
        "  statistics      7 floats in 4 fields",
        "    in  frame (N, H, W, 3) uint8: as named",
        "    out statistics_used (N, 7) float32: as named",
        "  parts (every SHA-256 agrees)",
        "    small weights: CC0-1.0",
        "    steps: 3",
    ):
        assert line in out


def test_without_words_it_shows_the_shipped_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    assert "hsi-edge.hsi" in out
    assert "  on CPUs         stylizer.cpu.onnx in OpenVINO: the same function" in out


def test_json_is_the_manifest(small_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(small_bundle), "--json"]) == 0
    assert Manifest.from_json(capsys.readouterr().out) == Bundle(small_bundle).manifest


def test_what_training_left_behind_cannot_command_the_terminal(
    small_bundle: Path, tmp_path: Path, repack: Repack, capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(values: dict[str, Any]) -> None:
        values["training"] = {"a\x1b[2J": "b\x1b[2J", "c": {"d\n": "\ud800"}}

    assert main([str(repack(small_bundle, tmp_path / "a.hsi", edit=edit))]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"    a\u001b[2J: " in out


def _flip(part: str) -> Damage:
    def damage(path: Path, repack: Repack) -> None:
        with zipfile.ZipFile(path) as archive:
            start = archive.getinfo(part).header_offset + 30 + len(part)
        data = bytearray(path.read_bytes())
        data[start + 3] ^= 1
        path.write_bytes(data)

    return damage


def _repacked(**changes: Any) -> Damage:
    return lambda path, repack: repack(path, path, **changes)


def _bomb(values: dict[str, Any]) -> None:
    values["parts"][0]["bytes"] = 1 << 40


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (_flip("manifest.json"), "manifest.json is not the one this bundle was written with"),
        (_flip("stylizer.onnx"), "stylizer.onnx is not the one this bundle was written with"),
        (_flip("golden/style.png"), "golden/style.png is not the one this bundle was written"),
        (_repacked(parts={"stylizer.onnx": None}), "expected part stylizer.onnx, found it missing"),
        (_repacked(parts={"../evil": b""}, rehash=True), "part '../evil' leaves the bundle"),
        (_repacked(parts={"/evil": b""}, rehash=True), "part '/evil' leaves the bundle"),
        (_repacked(parts={"a\\b": b""}, rehash=True), r"part 'a\\b' leaves the bundle"),
        (_repacked(edit=lambda v: v.update(version=2)), "version 2 found, expected 1: update"),
        (_repacked(edit=lambda v: v.pop("frame")), "expected field 'frame', found it missing"),
        (_repacked(edit=lambda v: v.update(new=1)), "expected no field 'new', found one"),
        (_repacked(edit=lambda v: v.update(parts=7)), "manifest.parts: expected a list, found 7"),
        (_repacked(edit=_bomb), "do not use this file"),
        (lambda path, repack: path.write_bytes(b""), "found a file that is none or is cut"),
        (lambda path, repack: path.write_bytes(b"x" * 999), "found a file that is none or"),
        (lambda path, repack: path.write_bytes(path.read_bytes()[:999]), "is cut short"),
        (lambda path, repack: path.unlink(), "expected a bundle, found no such file"),
        (lambda path, repack: (path.unlink(), path.mkdir()), "expected a bundle, found a folder"),
    ],
)
def test_a_bad_bundle_is_one_line_and_exit_code_4(
    small_bundle: Path, tmp_path: Path, repack: Repack, damage: Damage, part: str
) -> None:
    damage(small_bundle, repack)
    command = [sys.executable, "-m", "hsi.runtime.inspect_cli", str(small_bundle)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert done.stderr.startswith(f"hsi-inspect: {small_bundle}: ")
    assert done.stderr.count("\n") == 1
    assert part in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"small.hsi"}


def test_a_wrong_option_exits_2_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--frobnicate"]) == 2
    expected = "hsi-inspect: unrecognized arguments: --frobnicate: see hsi-inspect --help\n"
    assert capsys.readouterr().err == expected


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "hsi-inspect model.hsi --json" in capsys.readouterr().out
