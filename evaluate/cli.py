# PYTHON_ARGCOMPLETE_OK
"""``hsi-eval``: score a bundle, or another method's pictures."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence

from hsi.evaluate.arguments import options_from, pairs_from, parser
from hsi.runtime.closed_pipe import leave_unread
from hsi.runtime.completion import complete
from hsi.runtime.errors import EngineError, HsiError, OptionError
from hsi.runtime.picture import silence_opencv

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-eval``; return the exit code, which ``--help`` explains."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    silence_opencv()
    try:
        print(_outcome(complete(parser()).parse_args(argv)), flush=True)
        return 0
    except HsiError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted, nothing written")
        return 130
    except BrokenPipeError:
        return leave_unread()
    except Exception as error:
        # A fault of ours. The traceback is for us; whoever runs this gets a line.
        logger.debug("fault", exc_info=True)
        text = " ".join(f"{type(error).__name__}: {error}".split())
        _say(f"internal fault, nothing written: {text}: please report it")
        return 6


def _outcome(args: argparse.Namespace) -> str:
    """Do what was asked; what to print."""
    try:
        return _prepared(args) if args.prepare else _scored(args)
    except ModuleNotFoundError as error:
        raise EngineError(
            f"expected package {error.name}, found none: run pip install 'hsi-edge[eval,cpu]'"
        ) from error


def _prepared(args: argparse.Namespace) -> str:
    from hsi.evaluate.evaluator import prepare

    if args.method is not None:
        raise OptionError(f"--prepare writes pictures and scores nothing: drop {args.method}")
    pairs = pairs_from(args)
    prepare(pairs, args.size, args.prepare, force=args.force)
    return (
        f"wrote {len(pairs.contents)} content pictures and {len(pairs.styles)} styles to "
        f"{args.prepare}/"
    )


def _scored(args: argparse.Namespace) -> str:
    import torch
    from tqdm import tqdm

    from hsi.evaluate.evaluator import evaluate, result_count

    options = options_from(args)
    if options.threads:
        torch.set_num_threads(options.threads)
    total = result_count(options)
    with tqdm(total=total, disable=args.quiet, unit="picture", dynamic_ncols=True) as bar:
        evaluation = evaluate(options, lambda done: bar.update(done - bar.n))
    if args.json:
        return json.dumps(evaluation.to_dict(), indent=1)
    text = evaluation.text(per_style=args.per_style)
    return text if args.out is None else f"{text}\nwrote {args.out / 'index.html'}"


def _say(text: str) -> None:
    print(f"hsi-eval: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
