# PYTHON_ARGCOMPLETE_OK
"""``hsi-bench``: how fast bundles run on the engines of this machine."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from hsi.benchmark.options import PRECISIONS, BenchOptions
from hsi.runtime.closed_pipe import leave_unread
from hsi.runtime.command_parser import CommandParser
from hsi.runtime.completion import complete
from hsi.runtime.duration import seconds_from_text
from hsi.runtime.engine import ENGINES
from hsi.runtime.errors import HsiError
from hsi.runtime.uri import size_from_text

EXAMPLES = """\
examples:
  hsi-bench                                            the shipped bundle on the best engine here
  hsi-bench model.hsi --engine onnxruntime-cpu --engine openvino --size 1920x1080
  hsi-bench model.hsi --engine openvino --precision fp32 --precision int8 --json
  hsi-bench model.hsi --engine tensorrt --size 3840x2160 --duration 1m
  hsi-bench model.hsi --size 1280x720 --size 1920x1080 --plot times.svg

Engines, precisions and sizes may be given again: all engines at all precisions are timed in turn,
frame by frame, so that a slow minute hits all alike.

exit codes: 0 done, 2 wrong options, 4 bundle, precision or engine unusable here, 5 self-test
  failed, 6 fault, 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-bench``; return the exit code, which ``--help`` explains."""
    try:
        args = complete(parser()).parse_args(argv)
        logging.basicConfig(
            level=logging.INFO if args.verbose else logging.WARNING,
            format="%(levelname)s %(message)s",
        )
        return _run(args)
    except HsiError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except BrokenPipeError:
        return leave_unread()
    except Exception as error:
        # A fault of ours: whoever runs this gets a line.
        text = " ".join(f"{type(error).__name__}: {error}".split())
        _say(f"internal fault: {text}: please report it")
        return 6


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = CommandParser(
        "hsi-bench",
        description="Time a bundle on the engines of this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("model", nargs="?", type=Path, help="a .hsi bundle (default: the shipped one)")
    p.add_argument("--engine", action="append", choices=ENGINES, help="again for several (auto)")
    p.add_argument(
        "--precision", action="append", choices=PRECISIONS,
        help="again for several (default: what the engine chooses of the bundle)",
    )  # fmt: skip
    p.add_argument("--size", action="append", metavar="WxH", help="again for several (1280x720)")
    p.add_argument(
        "--duration", metavar="TIME", default="10s", help="of measuring, per contestant (10s)"
    )
    p.add_argument("--threads", type=int, metavar="N", help="processor threads of the network")
    p.add_argument("--no-verify", action="store_true", help="skip the bundle's self-test")
    p.add_argument("--json", action="store_true", help="result as JSON")
    p.add_argument("--plot", type=Path, metavar="FILE", help="draw it, as .png or .svg")
    p.add_argument("-q", "--quiet", action="store_true", help="no progress")
    p.add_argument("-v", "--verbose", action="store_true", help="say what the engines say")
    return p


def _run(args: argparse.Namespace) -> int:
    sizes = [size_from_text(text, of="--size") for text in args.size or ("1280x720",)]
    options = BenchOptions(
        model=args.model,
        engines=tuple(args.engine or ("auto",)),
        precisions=tuple(args.precision or (None,)),
        sizes=tuple(sizes),
        seconds=seconds_from_text(args.duration, of="--duration"),
        threads=args.threads,
        verify=not args.no_verify,
    )
    # Imported here: `--help` and a mistyped option need no engine.
    from hsi.benchmark.comparison import compare
    from hsi.benchmark.plot import check_plot, write_plot
    from hsi.benchmark.result import table

    if args.plot is not None:
        check_plot(args.plot)
    result = compare(options, (lambda step: None) if args.quiet else _say)
    print(json.dumps(result.to_dict(), indent=1) if args.json else table(result), flush=True)
    if args.plot is not None:
        write_plot(result, args.plot)
    return 0


def _say(text: str) -> None:
    print(f"hsi-bench: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
