# PYTHON_ARGCOMPLETE_OK
"""Entry point of ``hsi-train``, which says in one line what to install where torch is missing."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-train``; see :func:`hsi.train.cli.main`. Exit code 4 without its packages."""
    try:
        from hsi.train.cli import main as train
    except ModuleNotFoundError as error:
        print(
            f"hsi-train: expected package {error.name}, found none: "
            "run pip install 'hsi-edge[train]'",
            file=sys.stderr,
        )
        return 4
    return train(argv)


if __name__ == "__main__":
    sys.exit(main())
