"""What a run did: the numbers while it goes and at its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hsi.runtime.stage_times import StageSummary


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands."""

    shown: int  # frames that all outputs have
    dropped: int
    expected: int | None  # frames in all, None where nobody knows
    elapsed_s: float
    fps: float  # over the last moments
    left_s: float | None  # None where nobody knows
    stages: dict[str, StageSummary]


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a run did. `captured` is always `shown` plus everything in `dropped`."""

    sources: tuple[str, ...]  # without credentials, in the order they were read
    outputs: tuple[str, ...]
    captured: int  # frames that entered the pipeline
    shown: int  # frames that all outputs have
    dropped: dict[str, int]  # by cause: `newer` came in time, `stopped` before its turn
    elapsed_s: float  # from the first read to the last write
    fps: float  # shown frames a second
    overhead_ms: float | None  # a frame, all but the network; None: a camera set the pace
    stages: dict[str, StageSummary]  # capture, infer, output, end_to_end
    stopped: bool  # ended from outside: a signal, or a closed window

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, times to the microsecond."""
        values: dict[str, Any] = _rounded(asdict(self))
        return values


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 3) if isinstance(value, float) else value
