# PYTHON_ARGCOMPLETE_OK
"""`hsi-appearance`: Cross-Image Attention with a model in diffusers layout, by torch."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hsi.runtime.appearance.cli import parser, run
from hsi.runtime.appearance.options import TransferOptions
from hsi.runtime.errors import EngineError, OptionError
from hsi.runtime.uri import size_from_text


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-appearance``; return the exit code, which ``--help`` explains."""
    words = parser("hsi-appearance")
    words.epilog = None
    words.add_argument("--noun", default="object", help="what is transferred (default: object)")
    words.add_argument("--size", metavar="WxH", help="of all pictures (default: the model's)")
    words.add_argument("--device", default="cpu", help="torch's name, such as cuda")
    return run(words, argv, _open_folder)


def _open_folder(args: argparse.Namespace, options: TransferOptions) -> Any:
    try:
        from hsi.appearance.model_folder import load_model, size_of
    except ModuleNotFoundError as error:
        raise EngineError(
            f"this needs {error.name}, which is not installed: run pip install "
            "'hsi-edge[appearance,cpu]'"
        ) from error
    from hsi.runtime.appearance import AppearanceStylizer

    if args.engine != "auto" or args.threads is not None:
        raise OptionError("--engine and --threads are of bundles: a model's folder runs in torch")
    model = load_model(Path(args.model), noun=args.noun, free_u=args.faithful, device=args.device)
    given = None if args.size is None else size_from_text(args.size, of="--size")
    return AppearanceStylizer(model, size_of(model, given), options)


if __name__ == "__main__":
    sys.exit(main())
