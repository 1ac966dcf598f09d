from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from hsi.doctor import Finding, cli
from hsi.doctor.cli import main
from hsi.doctor.finding import fault, note, ok, warning

FINE = [ok("python", "3.12"), note("gpu", "none"), warning("clock", "free", "set it")]
BROKEN = [*FINE, fault("camera 0", "no\npermission", "join the group")]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the examination finds."""
    findings: list[Finding] = []

    def examined(**options: Any) -> Iterator[Finding]:
        yield from findings

    monkeypatch.setattr(cli, "examine", examined)
    return findings


def test_each_finding_is_a_line_with_its_mend_below(
    found: list[Finding], capsys: pytest.CaptureFixture[str]
) -> None:
    found += BROKEN

    assert main([]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok       python: 3.12"
    assert lines[-3:] == [
        "fault    camera 0: no permission",
        "         mend: join the group",
        "1 fault, 1 warning",
    ]


def test_warnings_are_no_fault(found: list[Finding]) -> None:
    found += FINE

    assert main([]) == 0


def test_quiet_shows_what_needs_mending_alone(
    found: list[Finding], capsys: pytest.CaptureFixture[str]
) -> None:
    found += FINE

    assert main(["-q"]) == 0

    out = capsys.readouterr().out
    assert out == "warning  clock: free\n         mend: set it\n0 faults, 1 warning\n"


def test_json_has_every_finding(found: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    found += BROKEN

    assert main(["--json"]) == 1

    told = json.loads(capsys.readouterr().out)
    assert (told["faults"], told["warnings"], len(told["findings"])) == (1, 1, 4)
    assert told["findings"][3] == {
        "level": "fault",
        "subject": "camera 0",
        "text": "no permission",
        "mend": "join the group",
    }


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_reader_that_leaves_is_no_traceback(
    found: list[Finding], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    found += FINE
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(words) == 128 + signal.SIGPIPE
        monkeypatch.undo()


def test_a_wrong_option_exits_2() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--frobnicate"])


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    out = capsys.readouterr().out
    assert "hsi-doctor model.hsi" in out
    assert "exit codes: 0 no fault, 1 at least one fault" in out


def test_a_fault_without_its_mend_cannot_be_told() -> None:
    with pytest.raises(ValueError, match="camera 0: a fault needs its mend"):
        fault("camera 0", "broken", "")


def test_a_wrong_option_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--engine"])

    told = "hsi-doctor: unrecognized arguments: --engine: see hsi-doctor --help\n"
    assert capsys.readouterr().err == told
