"""The command line of ``hsi-train``: from words to checked options."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch

from hsi.model import PRESETS, NetworkOptions
from hsi.model.options import STATISTICS, Palette, Relation, Transfer
from hsi.runtime.command_parser import CommandParser
from hsi.runtime.errors import OptionError
from hsi.train.options import FirstWeights, LossWeights, StyleNorm, TrainOptions

EXAMPLES = """\
examples:
  hsi-train --content photos/ --style paintings/ --loss-network vgg.pth -o model.pt
  hsi-train ... --preset hsi-vgg --device cuda --precision bf16 --crop 256
  hsi-train ... -o model.pt                  the same command again resumes an interrupted run
  hsi-train ... --init model.pt -o finer.pt  starts from a trained network
  hsi-train ... --teacher large.pt --teacher-weight 50   learns from another network's pictures too

The loss network and the network's own encoder are VGG-19 up to relu4_1, normalised as AdaIN's, or
VGG-19 compressed 16 times, about 5 times faster; which of the two a file holds is found out.
"""

SUFFIXES = (".pt", ".pth", ".safetensors")
NUMBERS = {
    "steps": "length of the run",
    "batch": "pictures per step",
    "share": "pictures of a step that share a style",
    "crop": "side of a training crop in pixels, a multiple of 8",
    "context": "pixels around a crop that the network sees and no loss judges",
    "seed": "seed of first weights and of crops",
    "save_every": "steps between saved states",
    "sheet_every": "steps between contact sheets",
    "style_ramp": "steps over which the style weight grows to its full value",
}
WEIGHTS = {
    "style": "weight of the style loss",
    "content": "weight of the content loss on colour pictures",
    "grey_content": "weight of the content loss on grey pictures",
    "adversarial": "weight of the adversarial loss",
    "identity": "weight of the identity loss, which the paper does not have",
    "structure": "weight of where fine contours lie, which the paper does not have",
    "palette": "weight of the distance between palettes, which the paper does not have",
    "teacher": "weight of the distance to what --teacher makes of the photographs, not the paper's",
    "consistency": "weight of what sensor noise and the rounding of INT8 change, not the paper's",
}
SHARES = {
    "drawn": "share of paintings that drawn patterns take the place of, from 0 to 1",
    "recolour": "share of paintings whose hues are turned at random, from 0 to 1",
    "contrast": "share of paintings whose contrast and gamma are changed at random, from 0 to 1",
    "gradient_map": "share of paintings that get random colours for their tones, from 0 to 1",
    "flatten": "share of photographs whose contrast is lowered at random, from 0 to 1",
    "degrade": "share of photographs that the network sees noisy and compressed, from 0 to 1",
}


def parser() -> argparse.ArgumentParser:
    """The command's arguments; a wrong word raises :class:`OptionError`."""
    made = CommandParser(
        "hsi-train",
        description="Train a style-transfer network.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_files(made.add_argument_group("what goes in and out"))
    _add_network(made.add_argument_group("the network"))
    _add_run(made.add_argument_group("the run"))
    weights = made.add_argument_group("loss weights")
    for name, what in WEIGHTS.items():
        default = LossWeights.__dataclass_fields__[name].default
        weights.add_argument(
            _flag(name, "-weight"), type=float, default=default, metavar="W", help=_help(what)
        )
    weights.add_argument(
        "--structure-levels", type=int, nargs="+", default=[1, 2], metavar="N",
        help="where the structure loss looks: 1 is relu1_1, the finest, to 4 (default: 1 2)",
    )  # fmt: skip
    return made


def options_from(args: argparse.Namespace) -> TrainOptions:
    """The checked options of a parsed command line.

    Raises:
        OptionError: A value is out of range.
    """
    if args.out.suffix not in SUFFIXES:
        raise OptionError(f"--out must end in one of {' '.join(SUFFIXES)}, got {args.out.name!r}")
    if args.threads is not None and args.threads < 1:
        raise OptionError(f"--threads must be at least 1, got {args.threads}")
    apart = {"weights", "content", "style", "structure_levels", "first_weights"}
    added: FirstWeights = "refinements" if args.refinements else "skip"
    first_weights = added if args.init else "whole"
    names = set(TrainOptions.__dataclass_fields__) - apart
    return TrainOptions(
        content=tuple(args.content),
        style=tuple(args.style),
        structure_levels=tuple(args.structure_levels),
        first_weights=first_weights if args.first_weights else "random",
        weights=LossWeights(**{name: getattr(args, f"{name}_weight") for name in WEIGHTS}),
        **{name: getattr(args, name) for name in names},
    )


def _add_files(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--content", type=Path, nargs="+", required=True, metavar="DIR", help="photographs")
    add("--style", type=Path, nargs="+", required=True, metavar="DIR", help="paintings")
    add("-o", "--out", type=Path, required=True, metavar="FILE", help="checkpoint to write")
    add(
        "--loss-network", type=Path, required=True, metavar="FILE",
        help="weights of the VGG-19 that judges the pictures",
    )  # fmt: skip
    add(
        "--encoder", type=Path, metavar="FILE",
        help="weights of the VGG-19 inside the network: compressed for hsi-edge, normalised for "
        "hsi-vgg (default: --loss-network)",
    )  # fmt: skip
    add(
        "--exclude", type=Path, metavar="FILE",
        help="JSON list of held-out pictures, as paths relative to the list's folder",
    )  # fmt: skip
    add(
        "--teacher", type=Path, metavar="FILE",
        help="a trained checkpoint of any preset, whose pictures the network is to come near: a "
        "small network learns from a large one, by --teacher-weight",
    )  # fmt: skip
    add(
        "--init", type=Path, metavar="FILE",
        help="start from this checkpoint's network: --encoder and what says how to build one then "
        "do not count",
    )  # fmt: skip


def network_options(args: argparse.Namespace) -> NetworkOptions:
    """The preset of a parsed command line, with what it changes for an ablation.

    Raises:
        OptionError: A value is unknown.
    """
    preset = PRESETS[args.preset]
    injector = preset.injector
    if args.relation:
        injector = replace(injector, relation=args.relation)
    if args.statistics:
        injector = replace(injector, statistics=tuple(args.statistics))
    if args.deviation_floor is not None:
        injector = replace(injector, deviation_floor=args.deviation_floor)
    hidden = preset.code_hidden if args.code_hidden is None else args.code_hidden
    more = {
        name: getattr(args, name) for name in ("skip", "refinements", "add_frame", "match_palette")
    }
    more = {name: value for name, value in more.items() if value is not None}
    return replace(preset, injector=injector, transfer=args.transfer, code_hidden=hidden, **more)


def _add_network(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--preset", choices=sorted(PRESETS), default="hsi-edge", help=_help("the network"))
    add(
        "--transfer", choices=get_args(Transfer), default="hsi",
        help=_help("HSI modules, or plain moment matching in their place"),
    )  # fmt: skip
    add(
        "--relation", choices=get_args(Relation),
        help="between content and style in the HSI modules (default: the preset's, dynamic)",
    )  # fmt: skip
    add(
        "--statistics", nargs="+", choices=STATISTICS, metavar="NAME",
        help=f"of the style, for the HSI modules: some of {', '.join(STATISTICS)} (default: all)",
    )  # fmt: skip
    add(
        "--deviation-floor", type=float, metavar="V",
        help="added to the variance of a frame's features before it is divided by, so that flat "
        "scenes are not blown up; replaces that of --init (default: the preset's)",
    )  # fmt: skip
    add(
        "--code-hidden", type=int, metavar="N",
        help="width of the layers that correct a style code as a whole, 0 for none; added to a "
        "network of --init that has none (default: the preset's)",
    )  # fmt: skip
    add(
        "--match-palette", choices=get_args(Palette),
        help="what pictures take of the painting's colours: each channel's mean and deviation, or "
        "mean and covariance; a network of --init does so from there on (default: the preset's)",
    )  # fmt: skip
    add(
        "--refinements", type=int, metavar="N",
        help="hsi-vgg: how often the finished picture is encoded again, to relu2_1, and given the "
        "painting's moments there; added to a network of --init that has none (default: the "
        "preset's)",
    )  # fmt: skip
    add(
        "--add-frame", action="store_true", default=None,
        help="pictures are what the network draws and a share of the frame itself, learned for "
        "each channel: detail comes whole; added to a network of --init (default: the preset's)",
    )  # fmt: skip
    add(
        "--skip", action=argparse.BooleanOptionalAction,
        help="hsi-vgg: relu3_1 of a frame reaches the decoder too, through a module of its own; "
        "added to a network of --init that has none (default: the preset's)",
    )  # fmt: skip


def _add_run(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    for name, what in NUMBERS.items():
        default = TrainOptions.__dataclass_fields__[name].default
        add(_flag(name), type=int, default=default, metavar="N", help=_help(what))
    for name, what in SHARES.items():
        default = TrainOptions.__dataclass_fields__[name].default
        add(_flag(name), type=float, default=default, metavar="P", help=_help(what))
    rate = TrainOptions.__dataclass_fields__["rate"].default
    add("--rate", type=float, default=rate, metavar="R", help=_help("Adam's first learning rate"))
    add(
        "--schedule", type=int, metavar="N",
        help="steps over which the learning rate would fall, for a run that leaves off before "
        "(default: --steps)",
    )  # fmt: skip
    add(
        "--style-crop", type=int, metavar="N",
        help="side of a painting's crop in pixels, a multiple of --crop (default: --crop)",
    )  # fmt: skip
    device = "cuda" if torch.cuda.is_available() else "cpu"
    add("--device", default=device, help="what computes (default here: %(default)s)")
    add(
        "--style-norm", choices=get_args(StyleNorm), default="l2",
        help=_help("distance in the style loss: the paper's norm, or AdaIN's squared error"),
    )  # fmt: skip
    add(
        "--precision", choices=("fp32", "bf16"), default="fp32",
        help="bf16 is faster on a GPU and on CPUs that have it (default: fp32)",
    )  # fmt: skip
    add(
        "--style-side-only", action="store_true",
        help="train what makes style codes and leave the frame path as it is: codes and styles "
        "get better at no risk to contours and calm, in shorter steps",
    )  # fmt: skip
    add(
        "--first-weights", action="store_true",
        help="a fresh hsi-vgg starts from a decoder solved for by least squares and modules that "
        "do what AdaIN does: minutes in the place of thousands of steps; with --init and --skip "
        "or --refinements, what is new does",
    )  # fmt: skip
    add("--threads", type=int, metavar="N", help="CPU threads (default: as torch chooses)")
    add("-q", "--quiet", action="store_true", help="no progress bar")


def _flag(name: str, ending: str = "") -> str:
    return f"--{name.replace('_', '-')}{ending}"


def _help(what: str) -> str:
    return f"{what} (default: %(default)s)"
