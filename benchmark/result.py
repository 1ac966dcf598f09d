"""What a comparison found."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long one thing took, over and over, in milliseconds."""

    rounds: int
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """At the median."""
        return 1e3 / self.p50_ms


def timing_of(times_ms: list[float]) -> Timing:
    """The percentiles of single times."""
    p50, p95, p99 = (float(value) for value in np.percentile(times_ms, (50, 95, 99)))
    return Timing(
        rounds=len(times_ms), p50_ms=round(p50, 4), p95_ms=round(p95, 4), p99_ms=round(p99, 4)
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contestant at one size. A frame goes in from host memory and comes out to it."""

    width: int  # pixels
    height: int
    engine: str  # what ran
    asked: str  # what was asked for
    precision: str
    timing: Timing
    compute_ms: float | None  # median of the device's work alone; None where it is not told
    memory_mib: float | None  # more in the process' resident set once it ran; None if unreadable
    device_mib: float | None  # less free memory on the GPU once it ran; None without one
    copies: float  # how many bare copies of the frame its median takes
    against_first: float  # its median over that of the first contestant of its size


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """All rows, and where they were found."""

    model: str
    machine: dict[str, str]
    rows: tuple[Row, ...]
    copy: tuple[Timing, ...]  # of a frame in host memory, one per size

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        rows = [
            {**asdict(row), "frames_per_s": round(row.timing.per_second, 3)} for row in self.rows
        ]
        return {**asdict(self), "rows": rows, "transfers": "included"}


def table(result: BenchResult) -> str:
    """The result as text."""
    head = (
        f"{'size':>10s} {'engine':<17s} {'precision':<9s} {'p50 ms':>9s} {'p95 ms':>9s} "
        f"{'p99 ms':>9s} {'device':>8s} {'frames/s':>9s} {'ratio':>6s} {'copies':>8s} "
        f"{'MiB':>7s} {'GPU MiB':>7s} {'rounds':>6s}"
    )
    machine = ", ".join(result.machine.values())
    lines = [f"{result.model} on {machine}", head, *map(_line, result.rows)]
    lines.append(
        "ratio: median over that of the size's first row; copies: how many copies of the frame in "
        "memory take as long; p50 to p99 include transfers to and from a device, device does not"
    )
    return "\n".join(lines)


def _line(row: Row) -> str:
    t = row.timing
    return (
        f"{f'{row.width}x{row.height}':>10s} {row.engine:<17s} {row.precision:<9s} "
        f"{t.p50_ms:9.2f} {t.p95_ms:9.2f} {t.p99_ms:9.2f} "
        f"{_number(row.compute_ms, 2):>8s} {t.per_second:9.2f} "
        f"{row.against_first:6.2f} {row.copies:8.0f} {_number(row.memory_mib):>7s} "
        f"{_number(row.device_mib):>7s} {t.rounds:6d}"
    )


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
