"""What kind of network a bundle holds, told before anything of it is opened."""

import json
import os
from collections.abc import Sequence

from hsi.runtime.archive import Archive
from hsi.runtime.errors import BundleError
from hsi.runtime.manifest import Part

CROSS_IMAGE = "cross-image"


def asks_for_pictures(argv: Sequence[str]) -> bool:
    """Whether the words of a command name a cross-image bundle as their model."""
    for word, following in zip(argv, [*argv, ""][1:], strict=True):
        name = following if word == "--model" else word.removeprefix("--model=")
        if word.startswith("--model"):
            try:
                return family_of(name) == CROSS_IMAGE
            except BundleError:
                return False  # whoever opens it for good says what is wrong with it
    return False


def family_of(path: str | os.PathLike[str]) -> str:
    """What kind of network a bundle holds: "style", or the family its manifest names.

    Raises:
        BundleError: The file is missing, no bundle or damaged.
    """
    return Archive(path, _Kind).manifest.family


class _Kind:
    """A manifest of which only the kind is asked."""

    parts: tuple[Part, ...] = ()

    def __init__(self, text: bytes) -> None:
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = {}  # whoever reads it for good says what is wrong with it
        family = values.get("family", "style") if isinstance(values, dict) else "style"
        self.family = family if isinstance(family, str) else "style"

    def part(self, name: str) -> Part:
        """There is none."""
        raise KeyError(name)
