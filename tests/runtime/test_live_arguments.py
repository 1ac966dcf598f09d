from __future__ import annotations

import pytest

from hsi.runtime.arguments import parse, request_from
from hsi.runtime.errors import OptionError
from hsi.runtime.live_arguments import LiveOptions
from hsi.runtime.run_options import OnFault, RunOptions
from hsi.runtime.source import SourceOptions


def _live(words: str) -> LiveOptions:
    return request_from(parse(["--camera", "0", *words.split()])).live


def test_without_words_nothing_is_asked_for() -> None:
    assert _live("") == LiveOptions()


def test_words_become_options() -> None:
    words = "--reconnect --stall-timeout 4s --max-age 100ms --max-latency 50ms --on-fault hold"
    assert _live(f"{words} --transport udp --record a.hsr") == LiveOptions(
        reconnect=True,
        stall_s=4.0,
        max_age_s=0.1,
        max_latency_s=0.05,
        on_fault=OnFault.HOLD,
        transport="udp",
        record="a.hsr",
    )
    assert _live("--no-reconnect").reconnect is False


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--max-age old", "--max-age must be a time such as 10s, .* got 'old'"),
        ("--stall-timeout 0s", "--stall-timeout must be a time such as"),
        ("--on-fault pray", "invalid choice: 'pray'"),
        ("--transport pigeon", "invalid choice: 'pigeon'"),
    ],
)
def test_wrong_words_say_what_is_wrong(words: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        _live(words)


def test_another_transport_is_refused() -> None:
    with pytest.raises(OptionError, match="transport must be tcp or udp, got 'pigeon'"):
        SourceOptions(transport="pigeon")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_age_s": 0.0}, "max_age_s must be more than 0 seconds, got 0"),
        ({"max_latency_s": -0.1}, "max_latency_s must be more than 0 seconds, got -0.1"),
        ({"open_s": -1.0}, "open_s must be more than 0 seconds, got -1"),
        ({"back_off_s": (2.0, 1.0)}, "back_off_s must be two growing times over 0, got 2 and 1"),
        ({"back_off_s": (0.0, 1.0)}, "back_off_s must be two growing times over 0, got 0 and 1"),
    ],
)
def test_limits_that_make_no_sense_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        RunOptions(**options)  # type: ignore[arg-type]
