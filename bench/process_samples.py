"""What a process holds over time, from outside (Linux)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

MOST_MB_PER_HOUR = 1.0  # target
_SLACK = 2  # threads or descriptors that come and go with a camera's


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a process holds at one moment; 1 MB is 10^6 bytes."""

    at_s: float  # since the first sample
    heap_mb: float  # what it has of the C library: `hsi_heap_in_use_bytes`
    memory_mb: float  # resident and its own: pages of files come and go as others need
    descriptors: int
    threads: int


@dataclass(frozen=True, kw_only=True)
class Slope:
    """A straight line with the least squares."""

    mb_per_hour: float
    error: float  # its standard error: neighbouring samples, which are alike, count as one

    def __str__(self) -> str:
        return f"{self.mb_per_hour:+.2f} MB an hour (±{self.error:.2f})"


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How what a process holds changed after its warm-up."""

    seconds: float  # looked at
    heap: Slope
    memory: Slope
    heap_mb: tuple[float, float, float]  # median of the first quarter, of the last, largest
    memory_mb: tuple[float, float, float]  # the same
    descriptors: tuple[int, int, int]  # the same
    threads: tuple[int, int, int]  # the same

    @property
    def misses(self) -> list[str]:
        """What grew."""
        found = []
        for name, slope in (("the heap in use", self.heap), ("resident memory", self.memory)):
            if slope.mb_per_hour > MOST_MB_PER_HOUR:
                found.append(f"{name} grew by {slope}")
        for name in ("descriptors", "threads"):
            first, last, _ = getattr(self, name)
            if last > first + _SLACK:
                found.append(f"{name} grew from {first} to {last}")
        return found

    def __str__(self) -> str:
        rows = [
            f"over {self.seconds / 60:.1f} minutes after warm-up, heap in use: {self.heap}, "
            f"resident memory: {self.memory}",
            "",
            "| | median of the first quarter | of the last | largest |",
            "|---|---|---|---|",
            "| heap in use, MB | {:.2f} | {:.2f} | {:.2f} |".format(*self.heap_mb),
            "| resident memory, MB | {:.1f} | {:.1f} | {:.1f} |".format(*self.memory_mb),
            "| file descriptors | {} | {} | {} |".format(*self.descriptors),
            "| threads | {} | {} | {} |".format(*self.threads),
        ]
        return "\n".join(rows)


def sample_of(pid: int, *, at_s: float, heap_mb: float) -> Sample:
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
        heap_mb=heap_mb,
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
    heap_mb = [one.heap_mb for one in kept]
    memory_mb = [one.memory_mb for one in kept]
    return Growth(
        seconds=kept[-1].at_s - kept[0].at_s,
        heap=slope_of(hours, np.array(heap_mb)),
        memory=slope_of(hours, np.array(memory_mb)),
        heap_mb=_spread(heap_mb),
        memory_mb=_spread(memory_mb),
        descriptors=_whole([one.descriptors for one in kept]),
        threads=_whole([one.threads for one in kept]),
    )


def slope_of(hours: npt.NDArray[np.float64], values_mb: npt.NDArray[np.float64]) -> Slope:
    """Fit a straight line.

    What is left over of neighbours is correlated, by r; such samples tell as much as
    (1 - r) / (1 + r) times as many that are not (Bartlett 1935, for an autoregression of order 1).
    """
    slope, start = np.polyfit(hours, values_mb, 1)
    left = values_mb - (slope * hours + start)
    alike = float((left[1:] * left[:-1]).sum() / max((left**2).sum(), 1e-12))
    alike = min(max(alike, 0.0), 0.99)
    variance = (left**2).sum() / (len(left) - 2) * (1 + alike) / (1 - alike)
    error = np.sqrt(variance / ((hours - hours.mean()) ** 2).sum())
    return Slope(mb_per_hour=float(slope), error=float(error))


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    quarter = len(values) // 4
    first, last = np.median(values[:quarter]), np.median(values[-quarter:])
    return float(first), float(last), float(max(values))


def _whole(values: Sequence[int]) -> tuple[int, int, int]:
    first, last, largest = _spread(values)
    return round(first), round(last), round(largest)
