from __future__ import annotations

from typing import Any

import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.run_options import RunOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "frames must be a positive whole number, got 0"),
        ({"queue": 0}, "queue must be a positive whole number, got 0"),
        ({"duration_s": 0.0}, "duration_s must be more than 0 seconds, got 0"),
        ({"stall_s": -1.0}, "stall_s must be more than 0 seconds, got -1"),
        ({"drain_s": float("nan")}, "drain_s must be more than 0 seconds, got nan"),
        ({"progress_s": 0.0}, "progress_s must be more than 0 seconds, got 0"),
        ({"size": (0, 5)}, "size must be positive, got 0x5"),
    ],
)
def test_options_name_the_field_and_the_value(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        RunOptions(**options)
