from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from hsi.doctor import Level, Machine
from hsi.doctor import clocks as module
from hsi.doctor.clocks import clocks, synchronised

SOURCE = "sys/devices/system/clocksource/clocksource0/current_clocksource"


def test_the_kernel_is_asked_whether_its_clock_follows_a_server() -> None:
    assert synchronised() in (True, False, None)


@pytest.mark.parametrize(
    ("now_s", "follows", "level", "text"),
    [
        (1.79e9, True, Level.OK, "follows a time server"),
        (1.79e9, None, Level.OK, "nobody tells whether"),
        (1.79e9, False, Level.WARNING, "follows no time server"),
        (60.0, False, Level.FAULT, "it says 1970-01-01 00:01:00 UTC"),
    ],
)
def test_the_time_of_day_is_judged(
    monkeypatch: pytest.MonkeyPatch,
    make_machine: Callable[..., Machine],
    now_s: float,
    follows: bool | None,
    level: Level,
    text: str,
) -> None:
    monkeypatch.setattr(time, "time", lambda: now_s)
    monkeypatch.setattr(module, "synchronised", lambda: follows)

    (found,) = clocks(make_machine({}))

    assert found.level is level
    assert text in found.text


@pytest.mark.parametrize(("source", "level"), [("tsc", Level.OK), ("acpi_pm", Level.WARNING)])
def test_a_slow_clock_source_is_warned_of(
    make_machine: Callable[..., Machine], source: str, level: Level
) -> None:
    found = [one for one in clocks(make_machine({SOURCE: source})) if "source" in one.subject]

    assert [one.level for one in found] == [level]
