"""What was measured of each fault, as a row of docs/reliability.md."""

import json
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos_line import Line

SEEN_S, BACK_S = 3.0, 2.0  # targets


@dataclass
class Row:
    """One fault, made several times."""

    fault: str
    times: int
    seen_s: list[float] = field(default_factory=list)  # until the fault was told
    back_s: list[float] = field(default_factory=list)  # from its end to the next frame
    missed: int = 0  # times that it was not seen, or no frame came
    shown: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    broken: int = 0  # damaged frames that were shown
    note: str = ""

    def take(self, line: Line) -> None:
        """Add what the line has counted."""
        assert line.summary is not None  # a summary that exists has an exact account
        self.shown = line.summary.shown
        self.dropped = {cause: n for cause, n in line.summary.dropped.items() if n}
        self.broken = line.watcher.broken

    @property
    def good(self) -> bool:
        """Whether all targets were met."""
        in_time = max(self.seen_s, default=0) <= SEEN_S and max(self.back_s, default=0) <= BACK_S
        return in_time and not self.missed and not self.broken

    def __str__(self) -> str:
        dropped = ", ".join(f"{n} {cause.replace('_', ' ')}" for cause, n in self.dropped.items())
        cells = (
            self.fault, str(self.times), _spread(self.seen_s), _spread(self.back_s),
            str(self.shown), dropped or "none", str(self.broken), self.note,
        )  # fmt: skip
        return "| " + " | ".join(cells) + " |"


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    head = (
        "| fault | times | seen after, s: median, worst | back after, s: median, worst "
        "| shown | dropped | damaged shown | |\n|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *map(str, rows)])


def rows_from(file: Path) -> list[Row]:
    """Read rows that were kept as JSON."""
    try:
        return [Row(**one) for one in json.loads(file.read_text())]
    except (ValueError, TypeError) as error:
        sys.exit(f"{file}: expected rows that this command has kept, found none: {error}")


def _spread(times: list[float]) -> str:
    return f"{statistics.median(times):.2f}, {max(times):.2f}" if times else "-"
