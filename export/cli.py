"""``hsi-export``: from a checkpoint to a bundle."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hsi.export.exporter import ExportOptions, ExportReport, export
from hsi.export.parity import MAX_DIFFERENCE, MAX_SHARE_OVER_ONE
from hsi.runtime.errors import HsiError

EXAMPLES = """\
examples:
  hsi-export model.pt                     writes model.hsi beside it
  hsi-export model.pt -o line3.hsi --force
  hsi-export model.pt --dry-run --json    checks alone, for a machine
  hsi-run --camera 0 --model model.hsi    runs it
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-export``; return the exit code: 5 when torch and the graphs disagree."""
    args = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    steps = _Steps(quiet=args.quiet)
    try:
        options = ExportOptions(
            model=args.model,
            out=args.out or args.model.with_suffix(".hsi"),
            frame=args.frame,
            style=args.style,
            force=args.force,
            dry_run=args.dry_run,
        )
        report = export(options, steps)
    except HsiError as error:
        print(f"hsi-export: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("hsi-export: interrupted, nothing written", file=sys.stderr)
        return 130
    steps.done()
    print(json.dumps(report.to_dict(), indent=1) if args.json else table(report, args.dry_run))
    return 0 if report.agrees else 5


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = argparse.ArgumentParser(
        "hsi-export",
        description="Export a trained network to one .hsi bundle, and compare it with torch.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("model", type=Path, help="checkpoint: .pt or .safetensors")
    p.add_argument("-o", "--out", type=Path, help="bundle (default: MODEL with .hsi)")
    p.add_argument("--frame", type=Path, help="photograph for the comparison (default: a shipped one)")
    p.add_argument("--style", type=Path, help="style picture for the comparison (likewise)")
    p.add_argument("--force", action="store_true", help="replace an existing bundle")
    p.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    p.add_argument("--json", action="store_true", help="report as JSON")
    p.add_argument("--quiet", action="store_true", help="no progress")
    return p


def table(report: ExportReport, dry_run: bool) -> str:
    """The report as text."""
    lines = [f"{'frame':>12s} {'values':>10s} {'worst':>6s} {'over 1':>9s}  torch against ONNX Runtime"]
    for row in report.comparisons:
        verdict = "agrees" if row.agrees else "DISAGREES"
        share = f"{row.share_over_one:.4%}"
        lines.append(f"{row.size:>12s} {row.values:10d} {row.worst:6d} {share:>9s}  {verdict}")
    limits = f"at most {MAX_DIFFERENCE} of 255, at most {MAX_SHARE_OVER_ONE:.2%} of values over 1"
    lines.append(f"expected: {limits}; receptive field {report.receptive_field} pixels")
    size = f"{report.bytes / 2**20:.1f} MiB of parts"
    if report.written:
        lines.append(f"wrote {report.out}, {size}")
    else:
        why = "dry run" if dry_run and report.agrees else "the graphs do not give what torch gives"
        lines.append(f"{report.out} not written: {why}")
    return "\n".join(lines)


class _Steps:
    """Progress: each step's name when it starts, and its seconds when it ends."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._started: float | None = None

    def __call__(self, name: str) -> None:
        self.done()
        if not self._quiet:
            print(f"{name} ... ", end="", flush=True, file=sys.stderr)
            self._started = time.monotonic()

    def done(self) -> None:
        """The running step has ended."""
        if self._started is not None:
            print(f"{time.monotonic() - self._started:.1f} s", file=sys.stderr)
            self._started = None


if __name__ == "__main__":
    sys.exit(main())
