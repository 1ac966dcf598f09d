"""The dumped surfaces of the real bindings, and what fakes are made of them with."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Any

SURFACES = Path(__file__).parent / "surfaces"
TENSORRT = ("tensorrt-10.3.0", "tensorrt-10.16.1", "tensorrt-11.4.0")
CUDA = ("cuda-12.9.6", "cuda-13.4.4")


def surface_of(title: str) -> dict[str, Any]:
    """The dump of a version."""
    surface: dict[str, Any] = json.loads((SURFACES / f"{title}.json").read_text())
    return surface


def fits(overloads: list[list[str]], arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Whether a call fits one of the overloads."""
    if not overloads:
        return True  # a Python function, whose parameters are not in its docstring
    for parameters in overloads:
        names = [one.rstrip("=") for one in parameters]
        given = {*names[: len(arguments)], *named}
        needed = {one for one in parameters if not one.endswith("=")}
        if len(arguments) <= len(names) and needed <= given <= set(names):
            return True
    return False


def enumeration(name: str, members: dict[str, int]) -> type:
    """An enumeration that is no number, as pybind11 makes them."""
    made = enum.Enum(name, members)  # type: ignore[misc]
    made.__int__ = lambda self: self.value  # type: ignore[attr-defined]
    made.__index__ = lambda self: self.value  # type: ignore[attr-defined]
    return made
