from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.arguments import Request
from hsi.runtime.attachment import missing_library
from hsi.runtime.errors import OptionError, OutputError
from hsi.runtime.player import play


@dataclass
class Guest:
    """An attachment and its options; notes what is done with it."""

    name: str = "guest"
    fails_at: str = ""
    done: list[str] = field(default_factory=list)

    def open(self) -> Guest:
        self._do("open")
        return self

    def attach(self, live: Any) -> None:
        self._do("attach")

    def __enter__(self) -> Guest:
        self._do("enter")
        return self

    def __exit__(self, *reason: object) -> None:
        self._do("leave")

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what == self.fails_at:
            raise OutputError(f"{self.name}: cannot {what}")


def _play(clip: Path, *guests: Guest) -> int:
    request = Request(sources=(str(clip),), outputs=("null:",), attachments=guests)
    return play(request, lambda progress: None, stop=threading.Event()).summary.shown


def test_attachments_begin_with_the_run_and_end_before_the_engine(
    inverter: list[tuple[str, Any]], clip: Path
) -> None:
    first, second = Guest(), Guest()
    assert _play(clip, first, second) == 20
    assert first.done == second.done == ["open", "enter", "attach", "leave"]


def test_one_that_cannot_open_ends_the_run_before_a_model_is_loaded(
    inverter: list[tuple[str, Any]], clip: Path
) -> None:
    first = Guest()
    with pytest.raises(OutputError, match="guest: cannot open"):
        _play(clip, first, Guest(fails_at="open"))
    assert first.done == ["open", "enter", "leave"]
    assert inverter == []


@pytest.mark.parametrize("step", ["attach", "leave"])
def test_one_that_fails_later_leaves_the_line_alone(
    inverter: list[tuple[str, Any]],
    clip: Path,
    step: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = Guest()
    with caplog.at_level(logging.WARNING):
        assert _play(clip, Guest("broken", step), other) == 20
    assert other.done == ["open", "enter", "attach", "leave"]
    assert "broken: " in caplog.text


def test_a_missing_library_is_named_with_what_brings_it() -> None:
    error = missing_library(ModuleNotFoundError(name="somelib"), "--some", extra="some")
    assert isinstance(error, OptionError)
    assert str(error) == "--some: needs somelib, found it missing: pip install 'hsi-edge[some]'"
