# PYTHON_ARGCOMPLETE_OK
"""``hsi-tune``: from a style picture to a better code than the style encoder's."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor
from tqdm import tqdm

import hsi.runtime
from hsi.model import StyleNetwork
from hsi.model.checkpoint import load_checkpoint
from hsi.runtime.command_parser import CommandParser
from hsi.runtime.completion import complete
from hsi.runtime.errors import HsiError, OptionError
from hsi.runtime.picture import picture_from_bytes
from hsi.runtime.style_file import STYLE_SUFFIX, save_style
from hsi.runtime.style_picture import sized_style
from hsi.runtime.styles import style_path
from hsi.train.losses import LossNetwork
from hsi.train.pictures import PictureSet, held_out_paths, planes
from hsi.train.tuning import TUNING_WEIGHTS, StyleTuner, Tuned, TuneOptions

EXAMPLES = """\
examples:
  hsi-tune picasso.jpg --network model.pt --content photos/ --loss-network vgg.pth
  hsi-tune a.jpg b.jpg --network line3.pt --model line3.hsi --content line3/ --loss-network vgg.pth
  hsi-run --camera 0 --style picasso.style

Best on pictures of what the style will be used for. The frame path costs what it did before.
"""

TOLERANCE = 0.02  # between codes of one picture by torch and by the bundle, whose size is about 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-tune``.

    Args:
        argv: The words after the program's name; None: those of this process.

    Returns:
        The exit code: 0 done, 2 wrong options, 3 input missing or unusable, 4 no such bundle or a
        damaged one, 6 output not writable, 130 interrupted.
    """
    try:
        _tune_all(complete(parser()).parse_args(argv))
    except HsiError as error:
        print(f"hsi-tune: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("hsi-tune: interrupted", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The command's arguments; a wrong word raises :class:`OptionError`."""
    made = CommandParser(
        "hsi-tune",
        description="Tune the code of a style: half a minute for a result nearer to the painting.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    defaults = TuneOptions()
    add("style", nargs="+", metavar="PICTURE", help="a picture, or the name of a shipped style")
    add("--network", type=Path, required=True, metavar="FILE", help="checkpoint of the network")
    add("--model", metavar="FILE", help="the bundle exported from it (default: the shipped one)")
    add(
        "--content", type=Path, nargs="+", required=True, metavar="DIR",
        help="photographs of what will be stylised",
    )  # fmt: skip
    add(
        "--exclude", type=Path, metavar="FILE",
        help="JSON list of photographs to leave out, as paths relative to the list's folder",
    )  # fmt: skip
    add(
        "--loss-network", type=Path, required=True, metavar="FILE",
        help="weights of the VGG-19 that judges the pictures",
    )  # fmt: skip
    add("-o", "--out", type=Path, metavar="FILE", help="a .style file, or a folder (default: .)")
    add("--steps", type=int, default=defaults.steps, metavar="N", help="default: %(default)s")
    add(
        "--crop", type=int, default=defaults.crop, metavar="N",
        help="side of the photographs' crops in pixels, a multiple of 8 (default: %(default)s)",
    )  # fmt: skip
    add(
        "--content-weight", type=float, default=TUNING_WEIGHTS.content, metavar="W",
        help="more keeps photographs clearer, at less of the style (default: %(default)g)",
    )  # fmt: skip
    add(
        "--precision", choices=("fp32", "bf16"), default="fp32",
        help="of the loss network; bf16 is faster on CPUs that have it (default: fp32)",
    )  # fmt: skip
    add("--seed", type=int, default=0, metavar="N", help="of the photographs (default: 0)")
    add("--threads", type=int, metavar="N", help="CPU threads (default: as torch chooses)")
    add("-q", "--quiet", action="store_true", help="no progress bar")
    return made


def _tune_all(args: argparse.Namespace) -> None:
    outs = _outs(args)
    names = ("steps", "crop", "precision", "seed")
    weights = replace(TUNING_WEIGHTS, content=args.content_weight)
    options = TuneOptions(weights=weights, **{name: getattr(args, name) for name in names})
    if args.threads:
        torch.set_num_threads(args.threads)
    network = load_checkpoint(args.network).network
    held_out = held_out_paths(args.exclude) if args.exclude else []
    photographs = PictureSet(args.content, exclude=held_out)
    tuner = StyleTuner(network, photographs, LossNetwork(args.loss_network), options)
    with hsi.runtime.load(args.model) as stylizer:
        for word, out in zip(args.style, outs, strict=True):
            style = _picture(word, stylizer.manifest.style_short_side)
            code = stylizer.encode_style(word)
            _check_same(network, style, code, args)
            with tqdm(total=options.steps, disable=args.quiet, unit="step", desc=out.stem) as bar:
                tuned = tuner.tune(style, lambda step, loss: _show(bar, step, loss))
            save_style(out, replace(code, values=tuned.code[0].numpy(), name=out.stem))
            print(_line(out, tuned), flush=True)


def _outs(args: argparse.Namespace) -> list[Path]:
    stems = [style_path(word).stem for word in args.style]
    out = args.out or Path()
    if out.suffix == STYLE_SUFFIX and len(stems) == 1:
        return [out]
    if not out.is_dir():
        raise OptionError(
            f"--out must be a folder that exists, or a {STYLE_SUFFIX} file for one style, "
            f"got {str(out)!r}"
        )
    if len(set(stems)) < len(stems):
        raise OptionError("two styles have one name: their codes would be one file: rename one")
    return [out / f"{stem}{STYLE_SUFFIX}" for stem in stems]


def _picture(word: str, short_side: int) -> Tensor:
    path = style_path(word)
    picture = picture_from_bytes(path.read_bytes()) if path.is_file() else None
    if picture is None:
        raise hsi.runtime.SourceError(f"style {path}: expected a picture, found none")
    return planes([sized_style(picture, short_side)])


def _check_same(
    network: StyleNetwork, style: Tensor, code: hsi.runtime.StyleCode, args: argparse.Namespace
) -> None:
    with torch.no_grad():
        own = network.encode_style(style)[0].numpy()
    if own.shape != code.values.shape or abs(own - code.values).max() > TOLERANCE:
        raise OptionError(
            f"{args.network}: expected the network that {args.model or 'the shipped bundle'} was "
            "exported from, found another: give the bundle of --network by --model"
        )


def _show(bar: "tqdm[NoReturn]", step: int, loss: float) -> None:
    bar.update(step - bar.n)
    bar.set_postfix(loss=f"{loss:.3g}")


def _line(out: Path, tuned: Tuned) -> str:
    before, after = tuned.before, tuned.after
    return (
        f"{out}  style loss {before.style:.2f} -> {after.style:.2f}, "
        f"content loss {before.content:.2f} -> {after.content:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
