"""The styles that travel with the package, by name."""

import os
from importlib import resources
from pathlib import Path

from hsi.runtime.errors import OptionError

DEFAULT_STYLE = "starry-night"


def shipped_styles() -> dict[str, Path]:
    """Names and pictures of the shipped styles, sorted by name."""
    folder = Path(str(resources.files("hsi.runtime"))) / "data" / "styles"
    return {path.stem: path for path in sorted(folder.glob("*.jpg"))}


def style_path(style: str) -> Path:
    """A style picture from what a user typed: a path, or the name of a shipped style.

    Raises:
        OptionError: It is neither.
    """
    if os.path.isfile(style):
        return Path(style)
    shipped = shipped_styles()
    if style in shipped:
        return shipped[style]
    if os.path.exists(style):  # a folder, say: reading it tells what is wrong
        return Path(style)
    raise OptionError(
        f"style {style!r}: expected a picture or one of {', '.join(shipped)}, found neither"
    )
