"""``python -m hsi.appearance.glyphs``: train the small U-Net, or score the method on it."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from hsi.appearance import load_model
from hsi.appearance.glyphs.arguments import PROGRAM, parser
from hsi.appearance.glyphs.experiment import run_experiment
from hsi.appearance.glyphs.methods import METHODS
from hsi.appearance.glyphs.options import GlyphTrainOptions
from hsi.appearance.glyphs.pairs import held_out_pairs
from hsi.appearance.glyphs.sheet import experiment_sheet
from hsi.appearance.glyphs.table import notes, table, values
from hsi.appearance.glyphs.trained import save_denoiser
from hsi.appearance.glyphs.trainer import GlyphTrainer
from hsi.model.checkpoint import written_beside
from hsi.runtime.errors import HsiError, OptionError
from hsi.runtime.image_output import write_picture


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The words after the program's name; None: those of this process.

    Returns:
        The exit code: 0 done, 2 wrong options, 3 no such model, 5 NaN, 6 output not writable,
        130 interrupted.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        args = parser().parse_args(argv)
        if args.threads < 1:
            raise OptionError(f"--threads must be at least 1, got {args.threads}")
        torch.set_num_threads(args.threads)
        # Weights near zero would otherwise cost a hundred times those that are not.
        torch.set_flush_denormal(True)
        print(_train(args) if args.command == "train" else _score(args))
    except HsiError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130
    return 0


def _train(args: argparse.Namespace) -> Path:
    options = GlyphTrainOptions(
        out=args.out, steps=args.steps, batch=args.batch, rate=args.rate, seed=args.seed
    )
    save_denoiser(GlyphTrainer(options).run(), options.out)
    return options.out


def _score(args: argparse.Namespace) -> str:
    pairs = held_out_pairs(args.pairs, args.seed)
    model = load_model(args.model)
    results = run_experiment(model, METHODS, pairs)
    if args.json:
        with written_beside(args.json) as beside:
            beside.write_text(json.dumps(values(results), indent=1) + "\n")
    if args.sheet:
        write_picture(args.sheet, experiment_sheet(results, pairs))
    return f"{table(results)}\n{notes(results)}"


if __name__ == "__main__":
    sys.exit(main())
