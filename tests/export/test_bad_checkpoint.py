"""Checkpoints that are damaged, foreign or made to do harm: one line each, and nothing is run."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hsi.export.cli import main


def _hsi_export(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hsi.export.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


class _Bomb:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return (Path.touch, (self.trace,))


def _bomb(path: Path, checkpoint: Path) -> None:
    torch.save({"format": "hsi-edge checkpoint", "x": _Bomb(path.with_name("exploded"))}, path)


def _plain_bomb(path: Path, checkpoint: Path) -> None:
    path.write_bytes(pickle.dumps(_Bomb(path.with_name("exploded"))))


def _foreign(path: Path, checkpoint: Path) -> None:
    torch.save({"model": {"weight": torch.zeros(3)}}, path)


def _nan(path: Path, checkpoint: Path) -> None:
    values = torch.load(checkpoint, weights_only=True)
    next(iter(values["state"].values())).view(-1)[0] = float("nan")
    torch.save(values, path)


def _newer(path: Path, checkpoint: Path) -> None:
    torch.save({**torch.load(checkpoint, weights_only=True), "version": 2}, path)


def _cut(path: Path, checkpoint: Path) -> None:
    path.write_bytes(checkpoint.read_bytes()[:5000])


CHECKPOINTS = [
    (_bomb, "found objects that would run code when loaded"),
    (_plain_bomb, "found objects that would run code when loaded"),
    (_foreign, "found another project's file"),
    (_nan, "expected finite numbers, found others (NaN, infinity)"),
    (_newer, "expected checkpoint version 1, found 2"),
    (_cut, "expected a checkpoint, found a damaged or foreign file"),
    (lambda path, checkpoint: path.touch(), "found a damaged or foreign file"),
    (lambda path, checkpoint: path.mkdir(), "expected a checkpoint, found no such file"),
]


@pytest.mark.parametrize(("spoil", "part"), CHECKPOINTS)
def test_a_bad_checkpoint_is_one_line_and_exit_code_3(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path, Path], object],
    part: str,
) -> None:
    spoil(tmp_path / "bad.pt", checkpoint)
    assert main([str(tmp_path / "bad.pt")]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"hsi-export: {tmp_path}/bad.pt: ")
    assert err.count("\n") == 1
    assert part in err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pt"]


@pytest.mark.parametrize(("spoil", "part"), [CHECKPOINTS[0], CHECKPOINTS[3]])
def test_the_command_itself_ends_well_on_a_bad_checkpoint(
    checkpoint: Path, tmp_path: Path, spoil: Callable[[Path, Path], object], part: str
) -> None:
    spoil(tmp_path / "bad.pt", checkpoint)
    done = _hsi_export(tmp_path / "bad.pt")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("hsi-export: ")
    assert done.stderr.count("\n") == 1
    assert part in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pt"]
