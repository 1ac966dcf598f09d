"""What a run did: the numbers while it goes and at its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from hsi.runtime.account import Account
from hsi.runtime.event import Event
from hsi.runtime.scene_watch import DriftSummary
from hsi.runtime.stage_times import StageSummary


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands."""

    shown: int  # frames that an output has
    dropped: int
    expected: int | None  # frames in all, None where nobody knows
    elapsed_s: float
    fps: float  # over the last moments
    left_s: float | None  # None where nobody knows
    stages: dict[str, StageSummary]
    drift: float | None = None  # the worst of all cameras, 1 at the edge; None: not known


@dataclass(frozen=True, kw_only=True)
class CameraSummary:
    """What became of one camera's frames.

    Raises:
        AssertionError: Frames are missing from the count, or were counted twice.
    """

    captured: int  # frames that came, damaged ones too
    shown: int  # frames that an output has
    dropped: dict[str, int]  # by cause, see `hsi.runtime.account.Cause`
    unstylised: int = 0  # of those shown, how many were the frame itself
    repeated: int = 0  # pictures shown in place of new ones; they are no captured frames

    def __post_init__(self) -> None:
        out = self.shown + sum(self.dropped.values())
        if self.captured != out:
            raise AssertionError(f"{self.captured} frames came in, {out} went out: {self}")

    @staticmethod
    def of(account: Account) -> CameraSummary:
        """Return what an account has counted."""
        dropped = {cause.value: count for cause, count in account.dropped.items()}
        return CameraSummary(
            captured=account.captured,
            shown=account.shown,
            dropped=dropped,
            unstylised=account.unstylised,
            repeated=account.repeated,
        )


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a run did. `captured` is always `shown` plus everything in `dropped`."""

    sources: tuple[str, ...]  # without credentials, in the order they were read
    outputs: tuple[str, ...]
    captured: int  # frames that came, over all cameras
    shown: int  # frames that an output has
    dropped: dict[str, int]  # by cause, see `hsi.runtime.account.Cause`
    cameras: dict[str, CameraSummary]  # the same for each camera, or for the row of files
    elapsed_s: float  # from the first read to the last write
    fps: float  # shown frames a second
    overhead_ms: float | None  # a frame, all but the network; None: a camera set the pace
    stages: dict[str, StageSummary]  # capture, infer, output, end_to_end
    events: tuple[Event, ...]  # the last thousand
    event_counts: dict[str, int]  # of all, by kind
    stopped: bool  # ended from outside: a signal, or a closed window
    drift: dict[str, DriftSummary] = field(default_factory=dict)  # by camera, where it is known
    collected: int = 0  # frames saved for the next calibration

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, times to the microsecond."""
        values: dict[str, Any] = _rounded(asdict(self))
        return values


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value
