"""The command line of ``hsi-eval``: from words to checked options."""

import argparse
from pathlib import Path

from hsi.evaluate.options import EvaluationOptions
from hsi.evaluate.pair_list import PairList, pair_list_from_json, picture_paths
from hsi.runtime.command_parser import CommandParser
from hsi.runtime.errors import OptionError

EXAMPLES = """\
examples:
  hsi-eval model.hsi --content photos/ --style paintings/ --vgg vgg_normalised_relu4_1.pth
  hsi-eval model.hsi --pairs list.json --styles 8 --every 5 --vgg VGG --baseline -o report/
  hsi-eval model.hsi --codes tuned/ --pairs list.json --vgg VGG
  hsi-eval --prepare inputs/ --pairs list.json     writes the pictures for another method
  hsi-eval results/ --pairs list.json --vgg VGG    scores its {content}__{style}.png
  hsi-eval --baseline --pairs list.json --vgg VGG  scores doing nothing

exit codes: 0 scored; 2 a wrong option; 3 a picture, a result or the weights are missing or cannot
be used; 4 the bundle cannot be run, a package is missing, or memory is short; 5 the bundle's
self-test failed; 6 the report cannot be written, or a fault
"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments; a wrong word raises :class:`OptionError`."""
    made = CommandParser(
        "hsi-eval",
        description="Score style transfer: losses of VGG-19 features, SSIM and a feature distance.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "method", nargs="?", type=Path, metavar="METHOD",
        help="a .hsi bundle, or a folder of finished results",
    )  # fmt: skip
    _add_pictures(made.add_argument_group("pictures: every style by every content picture"))
    _add_scoring(made.add_argument_group("how it scores"))
    _add_outcome(made.add_argument_group("what comes out"))
    return made


def options_from(args: argparse.Namespace) -> EvaluationOptions:
    """The checked options of a parsed command line.

    Raises:
        OptionError: A value is out of range, or the words contradict each other.
        SourceError: A list or folder of pictures cannot be read.
    """
    if args.vgg is None:
        raise OptionError("--vgg must name the weights of VGG-19, got nothing: see hsi-eval --help")
    return EvaluationOptions(
        pairs=pairs_from(args),
        vgg=args.vgg,
        method=args.method,
        baseline=args.baseline,
        strength=args.strength,
        codes=args.codes,
        size=args.size,
        resamplings=args.bootstrap,
        seed=args.seed,
        out=args.out,
        force=args.force,
        threads=args.threads,
        device=args.device,
    )


def pairs_from(args: argparse.Namespace) -> PairList:
    """The pictures of a parsed command line. Raises as :func:`options_from`."""
    if args.pairs is None:
        if args.part is not None:
            raise OptionError("--set chooses among the lists of --pairs, got no --pairs")
        if not args.content or not args.style:
            raise OptionError("expected --content and --style, or --pairs: see hsi-eval --help")
        contents, styles = picture_paths(args.content), picture_paths(args.style)
        pairs = PairList(contents=contents, styles=styles)
    else:
        if args.content or args.style:
            raise OptionError("expected --pairs, or --content and --style, got both")
        pairs = pair_list_from_json(args.pairs, args.part)
    return pairs.thinned(styles=args.styles, every=args.every)


def _add_pictures(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    what = "folders, pictures, or .txt lists of them"
    add("--content", type=Path, nargs="+", metavar="PATH", help=what)
    add("--style", type=Path, nargs="+", metavar="PATH", help=what)
    add(
        "--pairs", type=Path, metavar="FILE",
        help='JSON with lists "content" and "style", as paths relative to the file\'s folder',
    )  # fmt: skip
    add(
        "--set", dest="part", metavar="NAME",
        help='take the lists "NAME_content" and "NAME_style" of --pairs',
    )  # fmt: skip
    add("--styles", type=int, metavar="N", help="only the first N styles")
    add(
        "--every", type=int, default=1, metavar="K",
        help="only every K-th content picture, the first included",
    )  # fmt: skip


def _add_scoring(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    fields = EvaluationOptions.__dataclass_fields__
    add("--vgg", type=Path, metavar="FILE", help="weights of VGG-19 up to relu4_1, as of AdaIN")
    add("--strength", type=float, metavar="0..1", help="share of the style, for a bundle")
    add(
        "--codes", type=Path, metavar="DIR",
        help="codes that hsi-tune made, a NAME.style for each style, in the place of the bundle's",
    )  # fmt: skip
    add(
        "--size", type=int, default=fields["size"].default, metavar="N",
        help="side of the pictures in pixels (default: %(default)s)",
    )  # fmt: skip
    add("--baseline", action="store_true", help="score the content picture itself as well")
    add(
        "--bootstrap", type=int, default=fields["resamplings"].default, metavar="N",
        help="resamplings behind the standard errors; 0: plain ones (default: %(default)s)",
    )  # fmt: skip
    add("--seed", type=int, default=0, metavar="N", help="of the bootstrap (default: %(default)s)")
    add("--threads", type=int, metavar="N", help="processor threads")
    add("--device", metavar="NAME", help="what VGG-19 runs on, such as cpu or cuda")


def _add_outcome(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "-o", "--out", type=Path, metavar="DIR", help="write a report: page, sheet, results, scores"
    )
    add("--prepare", type=Path, metavar="DIR", help="write the squared pictures there, end")
    add("--force", action="store_true", help="replace an older report")
    add("--per-style", action="store_true", help="a row for each style")
    add("--json", action="store_true", help="print scores of every pair as JSON")
    add("-q", "--quiet", action="store_true", help="no progress bar")
