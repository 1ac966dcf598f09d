"""``hsi-train``: from folders of pictures to a checkpoint."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from hsi.model import PRESETS, StyleNetwork
from hsi.model.checkpoint import load_checkpoint
from hsi.runtime.errors import HsiError, OptionError
from hsi.train.options import LossWeights, TrainOptions
from hsi.train.trainer import Trainer, fresh_network

EXAMPLES = """\
examples:
  hsi-train --content photos/ --style paintings/ --loss-network vgg.pth -o model.pt
  hsi-train ... --preset hsi-vgg --device cuda --precision bf16 --crop 256
  hsi-train ... -o model.pt                  the same command again resumes an interrupted run
  hsi-train ... --init model.pt -o finer.pt  starts from a trained network
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-train``; return the exit code."""
    args = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        options = _options(args)
        network = _initial(args)
        trainer = Trainer(options, network)
        _run(trainer, options, quiet=args.quiet)
    except HsiError as error:
        print(f"hsi-train: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("hsi-train: interrupted; the same command resumes", file=sys.stderr)
        return 130
    print(options.out)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = argparse.ArgumentParser(
        "hsi-train",
        description="Train a style-transfer network.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    d = TrainOptions.__dataclass_fields__
    w = LossWeights()
    p.add_argument("--content", type=Path, nargs="+", required=True, help="folders of photographs")
    p.add_argument("--style", type=Path, nargs="+", required=True, help="folders of paintings")
    p.add_argument("-o", "--out", type=Path, required=True, help="checkpoint: .pt or .safetensors")
    p.add_argument("--preset", choices=sorted(PRESETS), default="hsi-edge")
    p.add_argument("--init", type=Path, help="start from this checkpoint's weights")
    p.add_argument("--encoder", type=Path, help="weights of the frozen VGG inside the network: the "
                   "compressed VGG-19 for hsi-edge, VGG-19 for hsi-vgg (default: --loss-network)")
    p.add_argument("--loss-network", type=Path, required=True,
                   help="normalised VGG-19 up to relu4_1, or its compressed version (8 times faster)")
    p.add_argument("--exclude", type=Path, help="JSON list of held-out pictures")
    for name, what in (
        ("steps", "length of the run"),
        ("batch", "pictures a step"),
        ("crop", "pixels, a multiple of 8"),
        ("seed", "of weights and crops"),
        ("save-every", "steps between saved states"),
        ("sheet-every", "steps between contact sheets"),
        ("style-ramp", "steps over which the style weight grows to its whole"),
    ):
        default = d[name.replace("-", "_")].default
        p.add_argument(f"--{name}", type=int, default=default, help=f"{what} (default {default})")
    p.add_argument("--rate", type=float, default=d["rate"].default, help="Adam's (default 1e-3)")
    for name in ("style", "content", "grey_content", "adversarial", "identity"):
        flag = f"--{name.replace('_', '-')}-weight"
        value = getattr(w, name)
        p.add_argument(flag, type=float, default=value, help=f"loss weight (default {value:g})")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--precision", choices=("fp32", "bf16"), default="fp32",
                   help="bf16 is faster on a GPU and on CPUs that have it")
    p.add_argument("--threads", type=int, help="CPU threads")
    p.add_argument("--quiet", action="store_true", help="no progress bar")
    return p


def _options(args: argparse.Namespace) -> TrainOptions:
    if args.threads:
        torch.set_num_threads(args.threads)
    names = [n for n in TrainOptions.__dataclass_fields__ if n not in ("weights", "content", "style")]
    weights = LossWeights(
        style=args.style_weight,
        content=args.content_weight,
        grey_content=args.grey_content_weight,
        adversarial=args.adversarial_weight,
        identity=args.identity_weight,
    )
    if args.out.suffix not in (".pt", ".pth", ".safetensors"):
        raise OptionError(f"--out must end in .pt or .safetensors, got {args.out.name}")
    values = {name: getattr(args, name) for name in names}
    return TrainOptions(
        content=tuple(args.content), style=tuple(args.style), weights=weights, **values
    )


def _initial(args: argparse.Namespace) -> StyleNetwork:
    if args.init:
        return load_checkpoint(args.init).network
    options = PRESETS[args.preset]
    return fresh_network(options, args.encoder or args.loss_network, args.seed)


def _run(trainer: Trainer, options: TrainOptions, quiet: bool) -> None:
    with tqdm(total=options.steps, disable=quiet, unit="step", dynamic_ncols=True) as bar:

        def show(step: int, losses: dict[str, float]) -> None:
            bar.update(step - bar.n)
            if step % 10 == 0:
                bar.set_postfix({k: f"{losses[k]:.3g}" for k in ("total", "style", "content")})

        trainer.run(show)


if __name__ == "__main__":
    sys.exit(main())
