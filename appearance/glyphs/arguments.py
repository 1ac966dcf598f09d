"""The command line of ``python -m hsi.appearance.glyphs``."""

import argparse
from pathlib import Path

from hsi.appearance.glyphs.options import GlyphTrainOptions
from hsi.appearance.glyphs.trained import SHIPPED
from hsi.runtime.command_parser import CommandParser

PROGRAM = "python -m hsi.appearance.glyphs"
PAIRS, SEED = 200, 2311
EXAMPLES = f"""\
examples:
  {PROGRAM} train -o runs/glyphs    trains the U-Net; the same command again goes on
  {PROGRAM} score --json table.json --sheet sheet.png    scores the shipped one
  {PROGRAM} score --model runs/glyphs

exit codes: 0 done; 2 a wrong option; 3 no such model; 5 the U-Net gives NaN; 6 an output cannot be
written; 130 interrupted
"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments; a wrong word raises :class:`OptionError`."""
    made = CommandParser(
        PROGRAM,
        description="Cross-image attention on drawn scenes whose parts are known to the pixel.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = made.add_subparsers(dest="command", required=True, parser_class=CommandParser)
    _add_train(commands.add_parser("train", help="train the small U-Net", allow_abbrev=False))
    _add_score(commands.add_parser("score", help="score the method", allow_abbrev=False))
    return made


def _add_train(made: argparse.ArgumentParser) -> None:
    made.add_argument("-o", "--out", type=Path, required=True, help="folder of the trained model")
    for name in ("steps", "batch", "seed"):
        default = getattr(GlyphTrainOptions, name)
        made.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    rate = GlyphTrainOptions.rate
    made.add_argument("--rate", type=float, default=rate, help=f"of AdamW, default {rate}")
    made.add_argument("--threads", type=int, default=1, help="default 1")


def _add_score(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--model", type=Path, default=SHIPPED, help="folder that `train` wrote; default: shipped"
    )
    made.add_argument("--pairs", type=int, default=PAIRS, help=f"default {PAIRS}")
    made.add_argument("--seed", type=int, default=SEED, help=f"of the pairs, default {SEED}")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every pair's scores")
    made.add_argument("--sheet", type=Path, metavar="FILE", help="write a PNG of ten pairs")
    made.add_argument("--threads", type=int, default=1, help="default 1")
