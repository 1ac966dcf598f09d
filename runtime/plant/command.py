"""Commands to a line as JSON, and the answers."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hsi.runtime.checks import checked_share
from hsi.runtime.errors import HsiError, OptionError
from hsi.runtime.live_run import LiveRun

logger = logging.getLogger(__name__)

MAX_BYTES = 16384
_KNOWN = ("id", "style", "strength", "stability")


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a line shall change. Checked whole, before anything of it is done."""

    styles: tuple[tuple[str, float], ...] = ()  # (recipe, weight); none: the style stays
    strength: float | None = None  # 0..1; None: stays
    stability: float | None = None  # 0..1; None: stays

    def __post_init__(self) -> None:
        if not self.styles and self.strength is None and self.stability is None:
            raise OptionError("command: expected style, strength or stability, found none of them")
        for name in ("strength", "stability"):
            if getattr(self, name) is not None:
                checked_share(getattr(self, name), name)
        for name, weight in self.styles:
            if not isinstance(name, str) or not _is_positive(weight):
                raise OptionError(
                    "style: expected a name, or pairs of a name and a weight above 0, found "
                    f"{name!r:.50} with {weight!r:.50}"
                )


def answer(payload: bytes, live: LiveRun, recipes: Mapping[str, str]) -> dict[str, Any]:
    """Carry out a command.

    Args:
        payload: JSON such as `{"id": 7, "style": "great-wave", "strength": 0.8}`; a blend is
            `[["great-wave", 0.7], ["the-scream", 0.3]]`.
        live: The line.
        recipes: What may be chosen, by name.

    Returns:
        `{"id": 7, "ok": true, ...}` with what is in force, or `{"id": 7, "ok": false, "error":
        ...}`. The id is what the command had, of any kind.
    """
    reply: dict[str, Any] = {"id": None}
    try:
        record = _record(payload)
        reply["id"] = record.get("id")
        _carry_out(_command(record), live, recipes)
    except HsiError as error:
        return {**reply, "ok": False, "error": str(error)}
    except Exception as error:  # a fault of ours shall not end the thread that answers
        logger.exception("command failed")
        return {**reply, "ok": False, "error": f"internal fault: {type(error).__name__}: {error}"}
    status = live.status()
    force = {"style": status.style, "strength": status.strength, "stability": status.stability}
    return {**reply, "ok": True, **force}


def recipe_named(name: str, recipes: Mapping[str, str]) -> str:
    """What `LiveRun.set_style` takes.

    Raises:
        OptionError: There is no such recipe.
    """
    if name not in recipes:
        known = ", ".join(sorted(recipes))
        raise OptionError(f"style {name!r:.50}: expected one of {known}, found another name")
    return recipes[name]


def _record(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_BYTES:
        raise OptionError(
            f"command: expected at most {MAX_BYTES} bytes of JSON, found {len(payload)}"
        )
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise OptionError("command: expected JSON, found something else") from error
    if not isinstance(found, dict):
        raise OptionError(f'command: expected {{"style": ...}}, found {type(found).__name__}')
    return found


def _command(record: Mapping[str, Any]) -> Command:
    unknown = [name for name in record if name not in _KNOWN]
    if unknown:
        raise OptionError(f"command: expected only {', '.join(_KNOWN)}, found {unknown[0]!r:.50}")
    return Command(
        styles=_styles(record.get("style")),
        strength=record.get("strength"),
        stability=record.get("stability"),
    )


def _styles(value: Any) -> tuple[tuple[str, float], ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return ((value, 1.0),)
    if isinstance(value, list) and value and all(_is_pair(one) for one in value):
        return tuple((name, weight) for name, weight in value)
    raise OptionError(
        f"style: expected a name or pairs of a name and a weight, found {value!r:.50}"
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _carry_out(command: Command, live: LiveRun, recipes: Mapping[str, str]) -> None:
    styles = [(recipe_named(name, recipes), weight) for name, weight in command.styles]
    if len(styles) == 1:
        live.set_style(styles[0][0])
    elif styles:
        live.set_style(styles)
    if command.strength is not None:
        live.set_strength(command.strength)
    if command.stability is not None:
        live.set_stability(command.stability)
