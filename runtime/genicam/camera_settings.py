"""What an address asks a camera of machine vision to be set to."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from hsi.runtime.errors import OptionError
from hsi.runtime.uri import query_of, size_from_text

_EXAMPLES = {
    "format": "BayerRG8",
    "size": "1280x720",
    "fps": "30",
    "exposure": "5000 (microseconds)",
    "gain": "6 (of the camera's unit)",
}


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """What shall be set. None, or nothing in `numbers`: it stays as it is in the camera."""

    pixel_format: str | None = None  # a name of the Pixel Format Naming Convention
    size: tuple[int, int] | None = None  # (width, height) in pixels, from the upper left corner
    numbers: Mapping[str, float]  # fps; exposure in microseconds; gain in the camera's unit


def settings_from(uri: str, **others: str) -> tuple[CameraSettings, dict[str, str]]:
    """Return what an address asks for, and its other options.

    Args:
        uri: The address.
        others: Further options that it may have, each with an example.

    Raises:
        OptionError: An option is unknown or malformed.
    """
    options = query_of(uri, allowed={**others, **_EXAMPLES})
    size = None
    if "size" in options:
        size = size_from_text(options["size"], of=f"the size in {uri}")
    settings = CameraSettings(
        pixel_format=options.get("format"),
        size=size,
        numbers={
            name: _number(options[name], name, uri)
            for name in ("fps", "exposure", "gain")
            if name in options
        },
    )
    return settings, {name: text for name, text in options.items() if name in others}


def _number(text: str, name: str, uri: str) -> float:
    with contextlib.suppress(ValueError):
        value = float(text)
        if 0 <= value < float("inf"):
            return value
    raise OptionError(f"{uri}: {name} must be a number such as {_EXAMPLES[name]}, got {text!r}")
