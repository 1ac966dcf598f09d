"""What the threads of one run share."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hsi.runtime.event import Event, EventLog
from hsi.runtime.run_meter import RunMeter
from hsi.runtime.run_options import RunOptions


class RunState:
    """The options, counters and events of a run, and whether it ends.

    Args:
        options: How the run goes.
        stop: Set from outside when the run shall end.
        on_event: Told what happens.
        alone: Whether there is one feed: then its fault is the end of the run.
    """

    def __init__(
        self,
        options: RunOptions,
        stop: threading.Event,
        on_event: Callable[[Event], None] | None,
        *,
        alone: bool,
    ) -> None:
        known = [n for n in (options.frames, options.expected_frames) if n is not None]
        self.options = options
        self.stop = stop
        self.alone = alone
        self.leave = threading.Event()  # from inside: somebody failed, or all is done
        self.changed = threading.Condition()  # a frame waits for the network
        self.log = EventLog(on_event)
        self.meter = RunMeter(expected=min(known, default=None), progress_s=options.progress_s)
        self.failure: BaseException | None = None  # what ended the run at once
        self.closed = False  # by the viewer

    @property
    def leaving(self) -> bool:
        """Whether the run ends."""
        return self.stop.is_set() or self.leave.is_set()

    @property
    def stopped(self) -> bool:
        """Whether it was ended from outside: a signal, or a closed window."""
        return self.stop.is_set() or self.closed

    def fail(self, error: BaseException) -> None:
        """End the run because of a fault."""
        self.failure = self.failure or error
        self.leave.set()

    def close(self) -> None:
        """End the run because nobody watches any more."""
        self.closed = True
        self.leave.set()
