"""What became of every frame of one camera."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass


class Cause(str, enum.Enum):
    """Why a captured frame was not shown."""

    NEWER = "newer"  # a newer one came before its turn
    TOO_OLD = "too_old"  # older than `max_age_s` when its turn came
    CORRUPT = "corrupt"  # damaged on the way from the camera
    NETWORK_FAILED = "network_failed"  # the engine gave no picture for it
    SLOW_OUTPUT = "slow_output"  # no output was ready for it in time
    OUTPUT_FAILED = "output_failed"  # no output was left to take it
    STOPPED = "stopped"  # the run ended before its turn


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What an account has counted up to one moment."""

    captured: int
    shown: int
    unstylised: int
    repeated: int
    dropped: dict[str, int]  # by the value of the cause

    @property
    def waiting(self) -> int:
        """Captured frames that have not been counted out."""
        return self.captured - self.shown - sum(self.dropped.values())


class Account:
    """Counts frames in, and each of them out once: shown, or dropped for a cause.

    Any thread may count. After `close` nothing changes any more: a thread that was left behind
    in a library cannot spoil the sum.
    """

    def __init__(self) -> None:
        self.captured = 0
        self.shown = 0
        self.unstylised = 0  # of those shown, how many were the frame itself
        self.repeated = 0  # pictures shown in place of new ones; they are no captured frames
        self.dropped = {cause: 0 for cause in Cause}
        self._closed = False
        self._changing = threading.Lock()

    def capture(self) -> None:
        """Note a frame that came from the camera."""
        with self._changing:
            self.captured += not self._closed

    def show(self, *, stylised: bool = True) -> None:
        """Note a captured frame that an output has."""
        with self._changing:
            self.shown += not self._closed
            self.unstylised += not self._closed and not stylised

    def repeat(self) -> None:
        """Note a picture that an output has in place of a new one."""
        with self._changing:
            self.repeated += not self._closed

    def drop(self, cause: Cause, count: int = 1) -> None:
        """Note captured frames that nobody will see."""
        with self._changing:
            self.dropped[cause] += 0 if self._closed else count

    def counts(self) -> Counts:
        """Return what has been counted, all at the same moment."""
        with self._changing:
            return Counts(
                captured=self.captured,
                shown=self.shown,
                unstylised=self.unstylised,
                repeated=self.repeated,
                dropped={cause.value: count for cause, count in self.dropped.items()},
            )

    def close(self, *, threads_left: bool) -> None:
        """End the count.

        Args:
            threads_left: Whether threads were left behind with frames in their hands: those frames
                were stopped. Without such threads every frame has been counted out already.
        """
        with self._changing:
            self._closed = True
            if threads_left:
                out = self.shown + sum(self.dropped.values())
                self.dropped[Cause.STOPPED] += self.captured - out
