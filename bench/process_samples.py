"""What a process holds over time, from outside (Linux)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MOST_MB_PER_HOUR = 1.0  # target
_SLACK = 2  # threads or descriptors that come and go with a camera's


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a process holds at one moment."""

    at_s: float  # since the first sample
    memory_mb: float  # resident and its own, 10^6 bytes: pages of files come and go as others need
    descriptors: int
    threads: int


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How what a process holds changed after its warm-up."""

    seconds: float  # looked at
    mb_per_hour: float  # slope of the straight line with the least squares
    mb_per_hour_error: float  # its standard error, were the samples independent
    memory_mb: tuple[float, float, float]  # median of the first quarter, of the last, largest
    descriptors: tuple[int, int, int]  # the same
    threads: tuple[int, int, int]  # the same

    @property
    def misses(self) -> list[str]:
        """What grew."""
        found = []
        if self.mb_per_hour > MOST_MB_PER_HOUR:
            found.append(f"memory grew by {self.mb_per_hour:.2f} MB an hour")
        for name in ("descriptors", "threads"):
            first, last, _ = getattr(self, name)
            if last > first + _SLACK:
                found.append(f"{name} grew from {first} to {last}")
        return found

    def __str__(self) -> str:
        rows = [
            f"over {self.seconds / 60:.1f} minutes after warm-up, memory: "
            f"{self.mb_per_hour:+.2f} MB an hour (±{self.mb_per_hour_error:.2f})",
            "",
            "| | median of the first quarter | of the last | largest |",
            "|---|---|---|---|",
            "| memory, MB | {:.1f} | {:.1f} | {:.1f} |".format(*self.memory_mb),
            "| file descriptors | {} | {} | {} |".format(*self.descriptors),
            "| threads | {} | {} | {} |".format(*self.threads),
        ]
        return "\n".join(rows)


def sample_of(pid: int, *, at_s: float) -> Sample:
    """Look at a process.

    Raises:
        OSError: It is gone.
    """
    process = Path(f"/proc/{pid}")
    fields = dict(
        line.split(":\t", 1)
        for line in (process / "status").read_text().splitlines()
        if ":\t" in line
    )
    return Sample(
        at_s=at_s,
        memory_mb=int(fields["RssAnon"].split()[0]) * 1024 / 1e6,
        descriptors=len(list((process / "fd").iterdir())),
        threads=int(fields["Threads"]),
    )


def growth_of(samples: Sequence[Sample], *, warm_up_s: float) -> Growth:
    """Return how the samples change after the warm-up.

    Args:
        samples: At least four after it.
        warm_up_s: Seconds that do not count.

    Raises:
        ValueError: There are too few.
    """
    kept = [one for one in samples if one.at_s >= warm_up_s]
    if len(kept) < 4:
        raise ValueError(f"{len(kept)} samples after {warm_up_s:g} s, expected 4 or more")
    hours = np.array([one.at_s for one in kept]) / 3600
    memory = np.array([one.memory_mb for one in kept])
    slope, start = np.polyfit(hours, memory, 1)
    left = memory - (slope * hours + start)
    error = np.sqrt((left**2).sum() / (len(kept) - 2) / ((hours - hours.mean()) ** 2).sum())
    quarter = len(kept) // 4

    def spread(values: Sequence[float]) -> tuple[float, float, float]:
        first, last = np.median(values[:quarter]), np.median(values[-quarter:])
        return float(first), float(last), float(max(values))

    def whole(values: Sequence[int]) -> tuple[int, int, int]:
        first, last, largest = spread(values)
        return round(first), round(last), round(largest)

    return Growth(
        seconds=kept[-1].at_s - kept[0].at_s,
        mb_per_hour=float(slope),
        mb_per_hour_error=float(error),
        memory_mb=spread([one.memory_mb for one in kept]),
        descriptors=whole([one.descriptors for one in kept]),
        threads=whole([one.threads for one in kept]),
    )
