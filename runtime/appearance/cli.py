"""`hsi-run` with a cross-image bundle: pictures in the appearance of another picture."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hsi.runtime.appearance.options import ADAINS, TransferOptions
from hsi.runtime.appearance.play import TransferRequest, play_pictures
from hsi.runtime.command_parser import CommandParser
from hsi.runtime.completion import complete
from hsi.runtime.errors import HsiError, OptionError
from hsi.runtime.picture import silence_opencv

EXAMPLES = """\
examples:
  hsi-run --model sd.hsi --style zebra.jpg giraffe.jpg -o out.png
  hsi-run --model sd.hsi --style zebra.jpg horses/ -o zebras/ --save-bank zebra.bank
  hsi-run --model sd.hsi --style zebra.bank more/ -o zebras/        no encoding again
  hsi-run --model turbo.hsi --style zebra.jpg giraffe.jpg -o out.png --few-step 4
  hsi-run --model sd.hsi --style zebra.jpg giraffe.jpg -o out.png --save-maps maps/

exit codes: 0 done, 2 wrong options, 3 picture not there, 4 bundle, bank or engine unusable here,
  5 the network gave no numbers, 6 a file cannot be written, or a fault, 130 interrupted
"""

ENGINES = ("auto", "onnxruntime-cpu", "onnxruntime-cuda")

CHANGES = (
    "steps",
    "skip",
    "seed",
    "contrast",
    "temperature",
    "query_blend",
    "refresh_every",
    "renoise",
    "adain",
)

Open = Callable[[argparse.Namespace, TransferOptions], Any]


def main(argv: Sequence[str], *, prog: str = "hsi-run") -> int:
    """Run the command on a bundle; return its exit code."""
    return run(parser(prog), argv, _open_bundle)


def run(words: argparse.ArgumentParser, argv: Sequence[str] | None, open_model: Open) -> int:
    """Parse, play and report; return the exit code, which `--help` explains.

    Args:
        words: The parser, of :func:`parser`.
        argv: After the program's name.
        open_model: Gives an `AppearanceStylizer` for the words and options.
    """
    progress = _Progress(quiet=True)
    try:
        args = complete(words).parse_intermixed_args(argv)
        progress = _Progress(quiet=args.quiet)
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
        silence_opencv()
        options = options_from(args)
        done = play_pictures(request_from(args), lambda: open_model(args, options), progress)
        progress.clear()
        if args.json:
            print(json.dumps({"pictures": [str(path) for path in done], "output": args.output}))
        return 0
    except HsiError as error:
        progress.clear()
        print(f"{words.prog}: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        progress.clear()
        print(f"{words.prog}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        progress.clear()
        logging.getLogger(__name__).debug("fault", exc_info=True)
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"{words.prog}: internal fault: {text}: please report it", file=sys.stderr)
        return 6


def parser(prog: str) -> argparse.ArgumentParser:
    """The arguments that a transfer has whatever opens the model."""
    p = CommandParser(
        prog,
        description="Show the structure of a picture in the appearance of another.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    p.add_argument("sources", nargs="*", metavar="STRUCTURE", help="picture or folder")
    p.add_argument("--model", required=True, help="what runs")
    p.add_argument("--style", required=True, help="picture of the appearance, or a .bank")
    p.add_argument("-o", "--output", required=True, help="picture, or folder for several")
    p.add_argument("--mask", help="white where the structure's object is (default: found)")
    p.add_argument("--style-mask", help="likewise of the appearance")
    p.add_argument("--save-maps", metavar="DIR", help="masks and attention maps of each picture")
    p.add_argument("--save-bank", metavar="FILE", help="keep the encoded appearance")
    _add_options(p.add_argument_group("how"))
    p.add_argument("--engine", default="auto", choices=ENGINES, help="what runs a bundle")
    p.add_argument("--threads", type=int, help="processor threads")
    p.add_argument("--json", action="store_true", help="report as JSON")
    p.add_argument("-q", "--quiet", action="store_true", help="no progress")
    return p


def _add_options(group: Any) -> None:
    way = group.add_mutually_exclusive_group()
    way.add_argument("--faithful", action="store_true", help="the published settings")
    way.add_argument("--few-step", type=int, metavar="N", help="N steps of a distilled model")
    group.add_argument("--steps", type=int, help="of the whole schedule (default: 50)")
    group.add_argument("--skip", type=int, help="noisiest steps left out: keeps structure")
    group.add_argument("--seed", type=int, help="of the noise (default: 42)")
    group.add_argument("--contrast", type=float, help="of attention, 1 for none (default: 1.67)")
    group.add_argument("--temperature", type=float, help="of attention (default: 1)")
    group.add_argument("--guidance", type=float, help="towards the appearance, 1 for none")
    group.add_argument("--query-blend", type=float, help="0 to 1: keeps structure")
    group.add_argument("--refresh-every", type=int, metavar="N", help="keeps structure: 5")
    group.add_argument("--renoise", action="store_true", default=None, help="for LCM models")
    group.add_argument("--adain", choices=ADAINS, help="colours of the object, of all, or neither")


def options_from(args: argparse.Namespace) -> TransferOptions:
    """The options that the words ask for.

    Raises:
        OptionError: A value is out of range, or contradicts another.
    """
    changes: dict[str, Any] = {
        name: getattr(args, name) for name in CHANGES if getattr(args, name) is not None
    }
    if args.guidance is not None:
        changes["guidance"] = (args.guidance, args.guidance)
    if args.faithful:
        if set(changes) - {"seed"}:
            raise OptionError("--faithful sets everything but --seed: leave the other words out")
        return TransferOptions.published(**changes)
    if args.renoise and args.few_step is None:
        raise OptionError("--renoise is of --few-step N: an inversion has noise of its own")
    if args.few_step is not None:
        if args.few_step < 1 or {"steps", "skip"} & set(changes):
            raise OptionError("--few-step takes a number from 1, and neither --steps nor --skip")
        return replace(TransferOptions.few_step(args.few_step), **changes)
    # Of a third of the steps, by default: what is skipped follows what is asked for.
    if "steps" in changes and "skip" not in changes:
        changes["skip"] = round(changes["steps"] * 0.32)
    return replace(TransferOptions(), **changes)


def request_from(args: argparse.Namespace) -> TransferRequest:
    """The pictures that the words name.

    Raises:
        OptionError: There are none, or they contradict each other.
    """
    return TransferRequest(
        sources=tuple(args.sources),
        style=args.style,
        output=args.output,
        mask=args.mask,
        style_mask=args.style_mask,
        save_maps=args.save_maps,
        save_bank=args.save_bank,
    )


def _open_bundle(args: argparse.Namespace, options: TransferOptions) -> Any:
    from hsi.runtime.appearance.appearance_stylizer import AppearanceStylizer
    from hsi.runtime.appearance.onnx_model import OnnxModel

    if args.threads is not None and args.threads < 1:
        raise OptionError(f"--threads must be at least 1, got {args.threads}")
    model = OnnxModel(args.model, engine=args.engine, threads=args.threads)
    manifest = model.manifest
    if args.faithful and not manifest.free_u:
        raise OptionError(
            f"--faithful needs a bundle with the published FreeU, and {args.model} has none: "
            "export it with --faithful"
        )
    return AppearanceStylizer(model, (manifest.width, manifest.height), options)


class _Progress:
    """One line on the standard error stream, written over itself on a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()

    def __call__(self, name: str, done: int, total: int) -> None:
        if self._shown:
            print(f"\r\x1b[K{name}: step {done} of {total}", end="", flush=True, file=sys.stderr)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", flush=True, file=sys.stderr)
