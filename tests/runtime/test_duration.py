from __future__ import annotations

import pytest

from hsi.runtime.duration import seconds_from_text
from hsi.runtime.errors import OptionError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("1.5", 1.5), ("0.5h", 1800)],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert seconds_from_text(text, of="--duration") == seconds


@pytest.mark.parametrize("text", ["0", "0s", "-1s", "", "s", "1d", "1e3", "10 s"])
def test_impossible_durations_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--duration must be a time such as"):
        seconds_from_text(text, of="--duration")


def test_no_duration_stays_none() -> None:
    assert seconds_from_text(None, of="--duration") is None
