# PYTHON_ARGCOMPLETE_OK
"""``hsi-train``: from folders of pictures to a checkpoint."""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

import torch
from tqdm import tqdm

from hsi.model import NetworkOptions, StyleNetwork, VggNetwork, build_network
from hsi.model.checkpoint import load_checkpoint
from hsi.runtime.completion import complete
from hsi.runtime.errors import EngineError, HsiError, OptionError
from hsi.runtime.stop_signals import SIGNALLED, StopSignals
from hsi.train.arguments import network_options, options_from, parser
from hsi.train.first_weights import fresh_network, require_first_weights
from hsi.train.trainer import Trainer


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-train``.

    Args:
        argv: The words after the program's name; None: those of this process.

    Returns:
        The exit code: 0 done, 2 wrong options, 3 input missing or unusable, 4 out of memory,
        6 output not writable, 130 or 143 interrupted: after the step it was at, which is saved.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    stop = StopSignals()
    try:
        args = complete(parser()).parse_args(argv)
        with stop.on_signals():
            print(_train(args, stop), flush=True)
    except HsiError as error:
        print(f"hsi-train: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(
            "hsi-train: interrupted: the same command goes on from the last saved state",
            file=sys.stderr,
        )
        return stop.exit_code or SIGNALLED + signal.SIGINT
    return 0


def _train(args: argparse.Namespace, stop: StopSignals) -> str:
    options = options_from(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    try:
        trainer = Trainer(options, _initial(args))
        with tqdm(total=options.steps, disable=args.quiet, unit="step", dynamic_ncols=True) as bar:

            def show(step: int, losses: dict[str, float]) -> None:
                bar.update(step - bar.n)
                if step % 10 == 0:
                    bar.set_postfix({k: f"{losses[k]:.3g}" for k in ("total", "style", "content")})

            trainer.run(show, stop.event)
    except torch.OutOfMemoryError as error:
        raise EngineError(
            f"{options.device}: expected memory for {options.batch} pictures of {options.crop} "
            "pixels, found too little: lower --batch or --crop"
        ) from error
    return str(options.out)


def _initial(args: argparse.Namespace) -> StyleNetwork:
    if args.init:
        network = load_checkpoint(args.init).network
        _check_fresh(network.options, args)
        torch.manual_seed(args.seed)  # of what is added
        _add_parts(network, args)
        if args.code_hidden and not network.options.code_hidden:
            network.add_code_mixer(args.code_hidden)
        return network if args.deviation_floor is None else _floored(network, args.deviation_floor)
    options = network_options(args)
    if args.first_weights:
        require_first_weights(options)
    return fresh_network(options, args.encoder or args.loss_network, args.seed)


def _check_fresh(options: NetworkOptions, args: argparse.Namespace) -> None:
    refinements = args.refinements is not None and args.refinements != options.refinements
    if refinements and options.refinements:
        raise OptionError(
            f"--refinements must be the {options.refinements} of --init, got {args.refinements}: "
            "leave it away"
        )
    if refinements and args.refinements and not args.first_weights:
        raise OptionError(
            "--refinements must come with --first-weights where --init has none, got it alone: "
            "without them they would draw over a trained picture"
        )
    fresh = [refinements, args.skip and not options.skip]
    if args.first_weights and sum(map(bool, fresh)) != 1:
        raise OptionError(
            "--first-weights must go with a fresh network, or with one of a fresh --skip and fresh "
            f"--refinements, got --init with {'both' if all(fresh) else 'neither'}"
        )


def _add_parts(network: StyleNetwork, args: argparse.Namespace) -> None:
    if args.skip is False and network.options.skip:
        raise OptionError(
            "--no-skip must go with a fresh network, got --init with one trained with --skip: "
            "leave it away"
        )
    if args.match_palette:
        network.set_palette(args.match_palette)
    if args.refinements and not network.options.refinements:
        if not isinstance(network, VggNetwork):
            raise OptionError(
                f"--refinements must go with hsi-vgg, got --init with {network.options.preset}: "
                "leave it away"
            )
        network.add_refinements(args.refinements)
    if args.add_frame and not network.options.add_frame:
        network.add_frame()
    if args.skip and not network.options.skip:
        if not isinstance(network, VggNetwork):
            raise OptionError(
                f"--skip must go with hsi-vgg, got --init with {network.options.preset}: "
                "leave it away"
            )
        network.add_skip()


def _floored(network: StyleNetwork, deviation_floor: float) -> StyleNetwork:
    injector = replace(network.options.injector, deviation_floor=deviation_floor)
    made = build_network(replace(network.options, injector=injector))
    made.load_state_dict(network.state_dict())
    return made


if __name__ == "__main__":
    sys.exit(main())
