# PYTHON_ARGCOMPLETE_OK
"""``hsi-export``: from a checkpoint to a bundle."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hsi.export.cross_image.command import add_cross_image_arguments, export_folder
from hsi.export.precision_arguments import add_variant_arguments, variant_lines, variant_options
from hsi.export.steps import Steps
from hsi.runtime.closed_pipe import leave_unread
from hsi.runtime.command_parser import CommandParser
from hsi.runtime.completion import complete
from hsi.runtime.errors import EngineError, HsiError, OptionError
from hsi.runtime.picture import silence_opencv
from hsi.runtime.uri import size_from_text

if TYPE_CHECKING:
    from hsi.export.exporter import ExportReport

EXAMPLES = """\
examples:
  hsi-export model.pt                     writes model.hsi beside it
  hsi-export model.pt -o line3.hsi --force
  hsi-export model.pt --dry-run --json    checks alone, for a machine
  hsi-export model.pt --precision int8 --calib clips/ --calib rtsp://camera/stream
  hsi-export model.pt --target tensorrt   says of each graph whether TensorRT takes it
  hsi-export model.pt --target tensorrt --build 1920x1080     and builds its plan for this GPU
  hsi-run --camera 0 --model model.hsi    runs it
  hsi-export --family cross-image sd-1.5/ -o sd.hsi --noun animal       a diffusion model

exit codes: 0 written, or checked with --dry-run; 2 a wrong option; 3 the checkpoint, a picture or
a place to calibrate on cannot be used; 4 an engine does not take the graphs, a package is
missing, or no plan can be built; 5 torch and the graphs disagree, a variant fails the quality gate,
or a graph breaks a rule of its target; 6 the bundle cannot be written, or a fault
"""

# Named here once more, so that --help needs no onnx; a test holds them together.
TARGETS = ("tensorrt",)
FAMILIES = ("style", "cross-image")

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-export``; return the exit code, which ``--help`` explains."""
    try:
        args = complete(parser()).parse_args(argv)
    except OptionError as error:
        _say(str(error))
        return error.exit_code
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    silence_opencv()
    steps = Steps(sys.stderr, quiet=args.quiet)
    try:
        if args.family == "cross-image":
            return export_folder(args, steps)
        build = _build_size(args)
        report = _report(args, steps)
        told = json.dumps(report.to_dict(), indent=1) if args.json else table(report, args.dry_run)
        print(told, flush=True)
        if not report.agrees:
            _say(f"{args.model}: torch and the exported graphs disagree: nothing written")
        elif not report.passed:
            _say(f"{args.model}: a variant fails the quality gate: nothing written")
        elif not report.fits:
            _say(f"{args.model}: a graph breaks a rule of {args.target}: nothing written")
        elif build is not None:
            _build_plan(Path(report.out), build)
            _say(f"{report.out}: its plan for {args.build} is kept on this machine")
        return 0 if report.agrees and report.passed and report.fits else 5
    except HsiError as error:
        steps.clear()
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        steps.clear()
        _say("interrupted, nothing written")
        return 130
    except BrokenPipeError:
        return leave_unread()
    except Exception as error:
        # A fault of ours. The traceback is for us; whoever runs this gets a line.
        steps.clear()
        logger.debug("fault", exc_info=True)
        text = " ".join(f"{type(error).__name__}: {error}".split())
        _say(f"internal fault, nothing written: {text}: please report it")
        return 6


def parser() -> argparse.ArgumentParser:
    """The command's arguments; a wrong word raises :class:`OptionError`."""
    p = CommandParser(
        "hsi-export",
        description="Export a trained network to one .hsi bundle, and compare it with torch.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("model", type=Path, help="checkpoint: .pt or .safetensors; or a folder")
    p.add_argument(
        "--family", choices=FAMILIES, default="style",
        help="cross-image: a diffusion model in diffusers layout",
    )  # fmt: skip
    p.add_argument("-o", "--out", type=Path, help="bundle (default: MODEL with .hsi)")
    p.add_argument("--frame", type=Path, help="photograph to compare on (default: a shipped one)")
    p.add_argument("--style", type=Path, help="style picture to compare on (likewise)")
    p.add_argument("--force", action="store_true", help="replace an existing bundle")
    p.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    p.add_argument(
        "--target", choices=TARGETS, help="hold every graph against the rules of this engine"
    )
    p.add_argument(
        "--build", metavar="WxH",
        help="with --target tensorrt: build the plan for frames of this size, and keep it for "
        "hsi-run --engine tensorrt on this machine",
    )  # fmt: skip
    add_variant_arguments(p)
    add_cross_image_arguments(p.add_argument_group("of --family cross-image"))
    p.add_argument("--json", action="store_true", help="report as JSON")
    p.add_argument("-q", "--quiet", action="store_true", help="no progress")
    return p


def table(report: ExportReport, dry_run: bool) -> str:
    """The report as text."""
    from hsi.export.parity import MAX_DIFFERENCE, MAX_SHARE_OVER_ONE

    title = "torch against ONNX Runtime"
    lines = [f"{'frame':>12s} {'values':>10s} {'worst':>6s} {'over 1':>9s}  {title}"]
    for row in report.comparisons:
        verdict = "agrees" if row.agrees else "DISAGREES"
        share = f"{row.share_over_one:.4%}"
        lines.append(f"{row.size:>12s} {row.values:10d} {row.worst:6d} {share:>9s}  {verdict}")
    limits = f"at most {MAX_DIFFERENCE} of 255, at most {MAX_SHARE_OVER_ONE:.2%} of values over 1"
    lines.append(f"expected: {limits}; receptive field {report.receptive_field} pixels")
    lines += variant_lines(report)
    lines += [one.to_text() for one in report.lints]
    size = f"{report.bytes / 2**20:.1f} MiB of parts"
    if report.written:
        lines.append(f"wrote {report.out}, {size}")
    else:
        why = "dry run" if report.agrees else "the graphs do not give what torch gives"
        why = why if report.passed else "a variant fails the quality gate"
        why = why if report.fits else "a graph breaks a rule of the target"
        lines.append(f"{report.out} not written: {why}")
    return "\n".join(lines)


def _report(args: argparse.Namespace, steps: Steps) -> ExportReport:
    if not args.model.name:
        raise OptionError(f"the model must be a file, got {str(args.model)!r}")
    try:
        from hsi.export.exporter import ExportOptions, export
    except ModuleNotFoundError as error:
        raise EngineError(
            f"an export needs {error.name}, which is not installed: run pip install "
            "'hsi-edge[export,cpu]'"
        ) from error
    options = ExportOptions(
        model=args.model,
        out=args.out or args.model.with_suffix(".hsi"),
        frame=args.frame,
        style=args.style,
        force=args.force,
        dry_run=args.dry_run,
        target=args.target,
        **variant_options(args),
    )
    report = export(options, steps)
    steps.done()
    return report


def _build_size(args: argparse.Namespace) -> tuple[int, int] | None:
    """What a plan is asked for; seen to before minutes are spent on the export."""
    if args.build is None:
        return None
    size = size_from_text(args.build, of="--build")
    if args.target != TARGETS[0] or args.dry_run:
        raise OptionError("--build goes with --target tensorrt, and not with --dry-run")
    try:
        from hsi.runtime.trt.ahead import check_builder

        check_builder()
    except (EngineError, ModuleNotFoundError) as error:
        raise EngineError(
            f"--build: no plan can be built here, nothing is exported: {error}; a bundle without "
            "a plan has it built where it runs"
        ) from error
    return size


def _build_plan(path: Path, size: tuple[int, int]) -> None:
    # Imported here: it needs packages that an export does not.
    from hsi.runtime.trt.ahead import build_ahead

    build_ahead(path, size)


def _say(text: str) -> None:
    print(f"hsi-export: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
