# PYTHON_ARGCOMPLETE_OK
"""Entry points of the commands, which say in one line what to install where torch is missing."""

import sys
from collections.abc import Sequence
from importlib import import_module

from hsi.runtime.closed_pipe import leave_unread


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-train``; see :func:`hsi.train.cli.main`. Exit code 4 without its packages."""
    return _run("hsi-train", "hsi.train.cli", argv)


def tune(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-tune``; see :func:`hsi.train.tune_cli.main`. Exit code 4 without its packages."""
    return _run("hsi-tune", "hsi.train.tune_cli", argv)


def _run(command: str, module: str, argv: Sequence[str] | None) -> int:
    try:
        run = import_module(module).main
    except ModuleNotFoundError as error:
        print(
            f"{command}: expected package {error.name}, found none: "
            "run pip install 'hsi-edge[train]'",
            file=sys.stderr,
        )
        return 4
    try:
        code: int = run(argv)
    except BrokenPipeError:
        return leave_unread()
    return code


if __name__ == "__main__":
    sys.exit(main())
