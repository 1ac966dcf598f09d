"""`hsi-export --family cross-image`: its arguments and its report."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from hsi.export.steps import Steps
from hsi.runtime.errors import EngineError, OptionError
from hsi.runtime.uri import size_from_text

if TYPE_CHECKING:
    from hsi.export.cross_image.exporter import CrossImageReport


def add_cross_image_arguments(group: Any) -> None:
    """Add what only a diffusion model has."""
    group.add_argument("--noun", default="object", help="what is transferred (default: object)")
    group.add_argument("--size", metavar="WxH", help="of all pictures (default: the model's)")
    group.add_argument(
        "--faithful", action="store_true", help="with the published code's variant of FreeU"
    )
    group.add_argument(
        "--half-weights", action="store_true", help="weights as float16: half of the file"
    )


def export_folder(args: argparse.Namespace, steps: Steps) -> int:
    """Export the folder that the words name; return the exit code.

    Raises:
        HsiError: As :func:`hsi.export.cross_image.exporter.export_cross_image`.
    """
    if args.target is not None or args.precision != "fp32":
        raise OptionError(
            "--target and --precision are of style-transfer networks: leave them out, or take "
            "--half-weights for a smaller file"
        )
    try:
        from hsi.export.cross_image.exporter import CrossImageOptions, export_cross_image
    except ModuleNotFoundError as error:
        raise EngineError(
            f"this export needs {error.name}, which is not installed: run pip install "
            "'hsi-edge[export,appearance,cpu]'"
        ) from error
    options = CrossImageOptions(
        model=args.model,
        out=args.out or args.model.with_suffix(".hsi"),
        noun=args.noun,
        size=None if args.size is None else size_from_text(args.size, of="--size"),
        free_u=args.faithful,
        half_weights=args.half_weights,
        frame=args.frame,
        style=args.style,
        force=args.force,
        dry_run=args.dry_run,
    )
    report = export_cross_image(options, steps)
    steps.done()
    print(json.dumps(report.to_dict(), indent=1) if args.json else table(report))
    if not report.agrees:
        print(f"hsi-export: {args.model}: torch and the graphs disagree", file=sys.stderr)
    return 0 if report.agrees else 5


def table(report: CrossImageReport) -> str:
    """The report as text."""
    from hsi.export.cross_image.parity import MAX_STEP_DIFFERENCE, MIN_PSNR

    lines = [f"{'timestep':>8s} {'worst':>9s}  torch against ONNX Runtime"]
    for step in report.steps:
        verdict = "agrees" if step.agrees else "DISAGREES"
        lines.append(f"{step.timestep:8d} {step.worst:9.2e}  {verdict}")
    verdict = "agrees" if report.picture.agrees else "DISAGREES"
    lines.append(
        f"picture of {report.picture.steps} steps: PSNR {report.picture.psnr:.1f} dB, {verdict}"
    )
    lines.append(f"expected: at most {MAX_STEP_DIFFERENCE:g} a value, at least {MIN_PSNR:g} dB")
    size = f"{report.bytes / 2**20:.1f} MiB of parts"
    if report.written:
        lines.append(f"wrote {report.out}, {size}")
    else:
        why = "dry run" if report.agrees else "the graphs do not give what torch gives"
        lines.append(f"{report.out} not written: {why}")
    return "\n".join(lines)
