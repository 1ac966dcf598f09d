"""Tab completion of the commands, where `argcomplete` is installed and switched on."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

from hsi.runtime.styles import shipped_styles


def complete(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser; when the shell asks what may come next, answer it and end instead."""
    if "_ARGCOMPLETE" in os.environ:
        try:
            import argcomplete
        except ModuleNotFoundError:
            # The shell has it, this environment has not. Nobody asked for a run.
            raise SystemExit(1) from None
        argcomplete.autocomplete(parser)
    return parser


def style_names(prefix: str, **context: object) -> Iterable[str]:
    """Return the words `--style` takes: shipped styles, and files that begin with the prefix."""
    from argcomplete.completers import FilesCompleter

    return [*shipped_styles(), *FilesCompleter()(prefix)]
