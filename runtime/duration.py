"""Times as users write them."""

from __future__ import annotations

import re
from typing import overload

from hsi.runtime.errors import OptionError

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@overload
def seconds_from_text(text: str, *, of: str) -> float: ...
@overload
def seconds_from_text(text: None, *, of: str) -> None: ...


def seconds_from_text(text: str | None, *, of: str) -> float | None:
    """Return the seconds of `10s`, `500ms`, `2m`, `1h` or a bare number; None for None.

    Args:
        text: The time as written, or None where nothing was.
        of: What takes this time, for the message.

    Raises:
        OptionError: It is none of these, or not more than 0.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text)
    seconds = 0.0 if found is None else float(found[1]) * _UNITS_S[found[2] or "s"]
    if not seconds > 0:
        raise OptionError(f"{of} must be a time such as 10s, 500ms, 2m or 1h, got {text!r}")
    return seconds
