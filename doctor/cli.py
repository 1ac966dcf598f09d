# PYTHON_ARGCOMPLETE_OK
"""`hsi-doctor`: what is wrong with a machine, and how to mend it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hsi.doctor.examination import examine
from hsi.doctor.finding import Finding, Level
from hsi.runtime.closed_pipe import leave_unread

EXAMPLES = """\
examples:
  hsi-doctor                       this machine, with the bundle that travels with the package
  hsi-doctor model.hsi             the same with a bundle of your own
  hsi-doctor --output /data/out    whether recordings can go there
  hsi-doctor -q                    what needs mending alone
  hsi-doctor --json | jq '.findings[] | select(.level == "fault")'

A fault does not work; a warning works, and will disappoint with some camera or on some day; a note
is something that could be had.

exit codes: 0 no fault, 1 at least one fault, 2 wrong options, 130 interrupted
"""

_FAULTY = 1
_INTERRUPTED = 130
_WIDTH = max(len(level.value) for level in Level)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `hsi-doctor`; return the exit code, which `--help` explains."""
    args = _parsed(argv)
    try:
        return _run(args)
    except KeyboardInterrupt:
        print("hsi-doctor: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        return leave_unread()


def _run(args: argparse.Namespace) -> int:
    findings: list[Finding] = []
    for finding in examine(bundle=args.bundle, output=args.output):
        findings.append(finding)
        if not args.json and not (args.quiet and finding.level in (Level.OK, Level.NOTE)):
            print(_text_of(finding), flush=True)
    counts = Counter(finding.level for finding in findings)
    if args.json:
        print(json.dumps(_record(findings, counts), indent=2), flush=True)
    else:
        faults, warnings = counts[Level.FAULT], counts[Level.WARNING]
        print(f"{_some(faults, 'fault')}, {_some(warnings, 'warning')}", flush=True)
    return _FAULTY if counts[Level.FAULT] else 0


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    p = _Parser(
        "hsi-doctor",
        description="Say what keeps this machine from its cameras and bundles, and what mends it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "bundle", nargs="?", type=Path, help="a .hsi file to test (default: the shipped one)"
    )
    p.add_argument(
        "--output", type=Path, default=Path(), metavar="FOLDER", help="where results shall go (.)"
    )
    p.add_argument("-q", "--quiet", action="store_true", help="warnings and faults alone")
    p.add_argument("--json", action="store_true", help="findings as JSON")
    return _completed(p).parse_args(argv)


class _Parser(argparse.ArgumentParser):
    """Complains in one line, as all commands do; their parser needs libraries that may not load."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"{self.prog}: {message}: see {self.prog} --help\n")


def _completed(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    try:
        from hsi.runtime.completion import complete
    except Exception:  # what the runtime needs may not load: that is found out below
        return parser
    return complete(parser)


def _text_of(finding: Finding) -> str:
    line = f"{finding.level.value:{_WIDTH}}  {finding.subject}: {finding.text}"
    return f"{line}\n{'':{_WIDTH}}  mend: {finding.mend}" if finding.mend else line


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _record(findings: Sequence[Finding], counts: Counter[Level]) -> dict[str, object]:
    return {
        **{f"{level.value}s": counts[level] for level in (Level.FAULT, Level.WARNING)},
        "findings": [finding.as_dict() for finding in findings],
    }


if __name__ == "__main__":
    sys.exit(main())
