"""Commands whose reader leaves before they are done."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import hsi.benchmark.cli
import hsi.evaluate.cli
import hsi.export.cli
import hsi.runtime.inspect_cli
import hsi.train.command
from hsi.runtime.closed_pipe import UNREAD

TRAINING = [f"--{name}=x" for name in ("content", "style", "loss-network")] + ["-o=model.pt"]


def unread(main: Callable[[list[str]], int], words: list[str]) -> int:
    """The exit code of a command whose standard output nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out, contextlib.redirect_stdout(out):
        return main(words)


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_inspecting_ends_quietly(
    small_bundle: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert unread(hsi.runtime.inspect_cli.main, [str(small_bundle), *words]) == UNREAD
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("main", "replaced", "words"),
    [
        (hsi.evaluate.cli.main, "hsi.evaluate.cli._outcome", ["model.hsi"]),
        (hsi.benchmark.cli.main, "hsi.benchmark.comparison.compare", ["--json", "-q"]),
        (hsi.train.command.main, "hsi.train.cli._train", TRAINING),
        (hsi.export.cli.main, "hsi.export.cli._report", ["model.pt", "--json", "-q"]),
    ],
)
def test_what_took_long_ends_quietly(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    main: Callable[[list[str]], int],
    replaced: str,
    words: list[str],
) -> None:
    monkeypatch.setattr(replaced, lambda *_: SimpleNamespace(to_dict=lambda: {"done": True}))

    assert unread(main, words) == UNREAD
    assert capsys.readouterr().err == ""
