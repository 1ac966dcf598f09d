"""What ``hsi-export`` takes and says of lower precisions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsi.export.exporter import ExportReport

# Named here once more, so that --help needs neither onnx nor torch; a test holds them together.
PRECISIONS = ("fp32", "fp16", "int8", "auto")
RANGES = ("max", "percentile", "entropy", "mse")


def add_variant_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of lower precisions."""
    p = parser.add_argument_group("precision")
    p.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="fp32",
        help="add a variant to the bundle; auto: the fastest that passes the quality gate",
    )
    p.add_argument(
        "--calib",
        action="append",
        default=[],
        metavar="PLACE",
        help="folder, picture, clip, stream or camera to calibrate on; may be given again",
    )
    p.add_argument("--ranges", choices=RANGES, default="percentile", help="of activations")
    p.add_argument(
        "--min-psnr", type=float, default=35.0, help="dB against FP32, in every picture (35)"
    )
    p.add_argument(
        "--min-ssim", type=float, default=0.95, help="against FP32, in every picture (0.95)"
    )
    p.add_argument(
        "--min-tile", type=float, default=30.0, help="dB against FP32, in every 64x64 tile (30)"
    )
    p.add_argument(
        "--min-agreement",
        type=float,
        default=0.0,
        metavar="DB",
        help="between the engines here, in every picture: 50 for one that is to look the same in "
        "all of them; auto then makes more layers finer (0: told, not judged)",
    )
    p.add_argument(
        "--loss-network",
        type=Path,
        metavar="FILE",
        help="weights of VGG-19, as of hsi-eval --vgg: the gate measures style and content loss",
    )
    p.add_argument(
        "--max-style-change",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="of FP32's style loss, with --loss-network (0.05)",
    )
    p.add_argument("--page", type=Path, help="HTML report of the gate, with pictures")


def variant_options(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments as fields of ``ExportOptions``.

    Raises:
        OptionError: A value is outside its range.
    """
    from hsi.calibrate.gate_result import GateOptions
    from hsi.calibrate.variants import VariantOptions

    gate = GateOptions(
        min_psnr=args.min_psnr,
        min_ssim=args.min_ssim,
        min_tile_psnr=args.min_tile,
        max_style_change=args.max_style_change,
        min_agreement=args.min_agreement,
    )
    variants = VariantOptions(
        precision=args.precision,
        ranges=args.ranges,
        gate=gate,
        loss_network=args.loss_network,
    )
    return {"calibrate_on": tuple(args.calib), "variants": variants, "page": args.page}


def variant_lines(report: ExportReport) -> list[str]:
    """What the report says of variants, as lines; none where there are none."""
    from hsi.calibrate.gate_table import gate_table
    from hsi.calibrate.trial import trial_table

    made, lines = report.made, []
    if made.calibration is not None:
        lines.append(made.calibration.to_text())
    if made.results:
        lines.append(gate_table(made.results))
    for variant in made.variants:
        if variant.finer:
            lines.append(f"{variant.precision}: {variant.finer}")
    if made.trials:
        lines.append(trial_table(made.trials))
    if made.trials and not made.kept:
        lines.append("auto: no lower precision is both good enough and faster here: FP32 alone")
    return lines
