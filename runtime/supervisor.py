"""What keeps a camera's frames coming: notices that they do not, and starts over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from hsi.runtime.back_off import BackOff
from hsi.runtime.camera_state import CameraState
from hsi.runtime.capture_worker import CaptureWorker, Taker
from hsi.runtime.errors import OptionError
from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.kept_threads import KeptThreads
from hsi.runtime.run_options import RunOptions
from hsi.runtime.source import Source, SourceLost

logger = logging.getLogger(__name__)

TICK_S = 0.05
"""How often `tick` is to be called."""

_MOST_HUNG = 4  # readers of one camera that may hang in its library at once
_STALL_PERIODS = 3.0  # a slow camera may be silent for so many of its own frame periods


_STATES = {
    EventKind.STALLED: CameraState.STALLED,
    EventKind.LOST: CameraState.LOST,
    EventKind.MISSING: CameraState.MISSING,
}


@dataclass(frozen=True, kw_only=True)
class _Outage:
    kind: EventKind  # how it began
    since: float  # when the last frame came, or the run began
    attempts: int = 0


class Supervisor:
    """Owns the worker that reads one camera, or a row of files.

    A worker that waits too long for its camera is abandoned, one that fails is done; either is
    replaced after a wait that grows. Files are read once: there, an error is the end. It never
    waits for a worker, so `tick` always returns at once.

    Args:
        feed: What to read first, and how to open it again.
        taker: Gets the frames.
        options: Time limits.
        tell: Told what happens.
    """

    def __init__(
        self,
        feed: Feed,
        taker: Taker,
        options: RunOptions,
        tell: Callable[[Event], None],
    ) -> None:
        self._name = feed.name
        self._reopen = feed.reopen
        self._taker = taker
        self._options = options
        self._tell = tell
        self._back_off = BackOff(*options.back_off_s)
        self._hung: list[CaptureWorker] = []
        self._outage: _Outage | None = None
        self._retry_at = 0.0
        self._healthy_at: float | None = None  # when the waits begin anew
        self.finished = False
        self.error: BaseException | None = None  # why it finished, where that was a fault
        self._threads = KeptThreads("hsi-capture")
        self._worker: CaptureWorker | None = CaptureWorker(feed.sources, taker, self._threads)

    @property
    def state(self) -> CameraState:
        """Whether frames come. Any thread may ask."""
        outage, worker = self._outage, self._worker
        if self.finished:
            return CameraState.ENDED
        if outage is not None:
            return _STATES[outage.kind]
        return CameraState.RUNNING if worker and worker.frames else CameraState.STARTING

    def tick(self, now: float) -> None:
        """Look after the worker.

        Args:
            now: `time.monotonic()`.
        """
        if self.finished:
            return
        worker = self._worker
        if worker is None:
            self._start_again(now)
            return
        if worker.frames:
            self._note_frames(worker, now)
        if worker.done:
            self._after(worker, now)
        elif worker.waited_s(now) > self._limit_s(worker):
            self._give_up(worker, now)

    def leave(self) -> list[CaptureWorker]:
        """Want no more frames. Returns the worker that may still hold one."""
        self.finished = True
        self._threads.close()
        if self._worker is None:
            return []
        self._worker.abandon()
        return [self._worker]

    def _limit_s(self, worker: CaptureWorker) -> float:
        source = worker.source
        if source is None:
            return self._options.open_s
        if not source.live:
            return float("inf")
        return max(self._options.stall_s, _STALL_PERIODS / (source.fps or float("inf")))

    def _note_frames(self, worker: CaptureWorker, now: float) -> None:
        source = worker.source
        if self._healthy_at is None and source is not None and source.live:
            self._note_return(source, now)
        elif self._healthy_at is not None and now > self._healthy_at:
            self._back_off.note_good()

    def _note_return(self, source: Source, now: float) -> None:
        self._healthy_at = now + self._options.healthy_s
        shape = "of changing size" if source.size is None else "{}x{}".format(*source.size)
        outage, self._outage = self._outage, None
        if outage is None:
            self._tell(self._event(EventKind.CONNECTED, shape))
            return
        away_s = now - outage.since
        self._tell(self._event(EventKind.RETURNED, f"after {away_s:.1f} s, {shape}", away_s))

    def _after(self, worker: CaptureWorker, now: float) -> None:
        self._worker = None
        error = worker.error
        if error is None or not self._may_retry(worker, error):
            self.finished, self.error = True, error
            return
        self._lose(worker, now, EventKind.LOST, self._reason(error))

    def _give_up(self, worker: CaptureWorker, now: float) -> None:
        waited_s = worker.waited_s(now)
        reason = f"gave no frame for {waited_s:.1f} s"
        if worker.source is None:
            reason = f"did not open in {waited_s:.1f} s"
        worker.abandon()
        self._hung.append(worker)
        self._worker = None
        if self._reopen is None:
            self.finished = True
            name = self._name if worker.source is None else worker.source.name
            self.error = SourceLost(f"{name}: {reason}: check the camera and the network")
            return
        self._lose(worker, now, EventKind.STALLED, reason, waited_s)

    def _may_retry(self, worker: CaptureWorker, error: BaseException) -> bool:
        if self._reopen is None or (worker.source is not None and not worker.source.live):
            return False
        # Whatever a library raises about a camera, the next attempt may go well; a mistyped
        # option will not, and neither does Ctrl-C ask for another attempt.
        return isinstance(error, Exception) and not isinstance(error, OptionError)

    def _lose(
        self,
        worker: CaptureWorker,
        now: float,
        kind: EventKind,
        reason: str,
        seconds: float | None = None,
    ) -> None:
        """Plan the next attempt, and tell why."""
        broken = worker.frames > 0
        wait_s = self._back_off.note_broken(now) if broken else self._back_off.next_s()
        self._retry_at = now + wait_s
        self._healthy_at = None
        if self._outage is None:
            kind = kind if broken or worker.source is not None else EventKind.MISSING
            self._outage = _Outage(kind=kind, since=worker.last_at or now)
            self._tell(self._event(kind, reason, seconds))
            return
        attempts = self._outage.attempts + 1
        self._outage = replace(self._outage, attempts=attempts)
        # An outage of days shall not fill the disk with lines: 1, 2, 4, 8, …
        if attempts & (attempts - 1) == 0:
            detail = f"attempt {attempts}: {reason}: next in {wait_s:.1f} s"
            self._tell(self._event(EventKind.RECONNECTING, detail, wait_s))

    def _start_again(self, now: float) -> None:
        self._hung = [worker for worker in self._hung if not worker.done]
        if now < self._retry_at:
            return
        if len(self._hung) >= _MOST_HUNG:
            self._retry_at = now + self._back_off.next_s()
            logger.warning("%s: %d readers hang in its library", self._name, len(self._hung))
            return
        self._worker = CaptureWorker(self._reopened(), self._taker, self._threads)

    def _reopened(self) -> Iterator[Source]:
        assert self._reopen is not None
        yield self._reopen()

    def _event(self, kind: EventKind, detail: str, seconds: float | None = None) -> Event:
        return Event(kind=kind, subject=self._name, detail=detail, seconds=seconds)

    def _reason(self, error: BaseException) -> str:
        return str(error).removeprefix(f"{self._name}: ") or type(error).__name__
