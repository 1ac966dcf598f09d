from __future__ import annotations

import json
from typing import Any

import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.plant.command import MAX_BYTES, Command, answer

RECIPES = {"great-wave": "great-wave", "oil": "/styles/oil.png"}


class Line:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.style, self.strength, self.stability = "starry-night", 1.0, 0.4

    def status(self) -> Line:
        return self

    def __getattr__(self, name: str) -> Any:
        return lambda value: self.told.append((name, value))


def _answer(text: str | bytes, line: Any) -> dict[str, Any]:
    payload = text.encode() if isinstance(text, str) else text
    return answer(payload, line, RECIPES)


def test_a_name_becomes_what_the_line_takes() -> None:
    line = Line()

    reply = _answer('{"id": [1], "style": "oil", "strength": 0.5, "stability": 1}', line)

    assert line.told == [
        ("set_style", "/styles/oil.png"),
        ("set_strength", 0.5),
        ("set_stability", 1),
    ]
    assert (reply["id"], reply["ok"]) == ([1], True)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("no json", "expected JSON, found something else"),
        (b"\xff\xfe", "expected JSON, found something else"),
        ("[" * 9000, "expected JSON, found something else"),
        ("[1]", 'expected {"style": ...}, found list'),
        ("{}", "expected style, strength or stability, found none of them"),
        ('{"strenght": 1}', "expected only id, style, strength, stability, found 'strenght'"),
        ('{"strength": 1.5}', r"strength must lie in [0, 1], got 1.5"),
        ('{"strength": NaN}', r"strength must lie in [0, 1], got nan"),
        ('{"stability": "1"}', r"stability must lie in [0, 1], got '1'"),
        ('{"style": "../oil"}', "style '../oil': expected one of great-wave, oil, found another"),
        ('{"style": 7}', "expected a name or pairs of a name and a weight, found 7"),
        ('{"style": []}', "expected a name or pairs of a name and a weight, found []"),
        ('{"style": [["oil"]]}', "expected a name or pairs of a name and a weight"),
        ('{"style": [["oil", 0]]}', "a weight above 0, found 'oil' with 0"),
        ('{"style": [["oil", 1e999]]}', "a weight above 0, found 'oil' with inf"),
        ('{"style": [[["oil"], 1]]}', "a weight above 0, found ['oil'] with 1"),
        (json.dumps({"style": "x" * MAX_BYTES}), f"at most {MAX_BYTES} bytes of JSON"),
    ],
)
def test_a_wrong_command_is_one_line_and_changes_nothing(text: str | bytes, error: str) -> None:
    line = Line()

    reply = _answer(text, line)

    assert reply["ok"] is False
    assert error in reply["error"]
    assert len(reply["error"].splitlines()) == 1
    assert line.told == []


def test_a_wrong_command_keeps_its_id() -> None:
    assert _answer('{"id": 5, "style": "none"}', Line())["id"] == 5


def test_a_fault_of_ours_is_answered_too() -> None:
    reply = answer(b'{"strength": 1}', object(), RECIPES)  # type: ignore[arg-type]

    assert "internal fault: AttributeError" in reply["error"]


def test_a_command_refuses_nonsense_at_birth() -> None:
    with pytest.raises(OptionError, match="expected style, strength or stability"):
        Command()
