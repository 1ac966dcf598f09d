"""The thread that writes one output, so that a slow one keeps nobody waiting."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

from hsi.runtime.delivery import Delivery
from hsi.runtime.frame_queue import FrameQueue, QueueEnd
from hsi.runtime.native_calls import STEPS
from hsi.runtime.output import Output, Skipped, ViewerClosed

_POLL_S = 0.1
_WAITING = 1  # pictures that may wait for an output

_numbers = itertools.count()


class OutputWorker:
    """Writes pictures to one output, in a thread of its own or, where it must, in the caller's.

    Args:
        output: An entered context. The caller leaves it.
        on_written: Told how many seconds each picture took.
        on_end: Told when it takes no more: it failed, or the viewer closed it.
    """

    def __init__(
        self,
        output: Output,
        *,
        on_written: Callable[[float], None],
        on_end: Callable[[OutputWorker], None],
    ) -> None:
        self.output = output
        self.error: BaseException | None = None  # why it takes no more
        self.done = False
        self.missed = 0  # pictures that came while it was busy
        self._on_written = on_written
        self._on_end = on_end
        self._queue: FrameQueue[Delivery] = FrameQueue(_WAITING)
        self.thread: threading.Thread | None = None
        if not output.thread_bound:
            name = f"hsi-output-{next(_numbers)}"
            self.thread = threading.Thread(target=self._run, name=name, daemon=True)
            self.thread.start()

    def offer(self, delivery: Delivery, *, newest_wins: bool) -> None:
        """Hand a picture over; it is settled in any case.

        Args:
            delivery: The picture.
            newest_wins: Push out the one that waits; else wait for room.
        """
        if newest_wins:
            for pushed_out in self._queue.put_newest(delivery):
                self._miss(pushed_out)
        elif not self._queue.put(delivery):
            self._miss(delivery)

    def step(self, timeout_s: float) -> None:
        """Write the next picture if one comes in time. Only for an output without a thread."""
        if self.done:
            return
        try:
            delivery = self._queue.get(timeout_s)
        except QueueEnd:
            self.done = True
            self.abandon()
            return
        if delivery is not None:
            with STEPS.step():
                self._write(delivery)

    def finish(self) -> None:
        """Say that no more comes: what waits is written, then it is done."""
        self._queue.finish()

    def abandon(self) -> None:
        """Take nothing more, not even what waits."""
        for left in self._queue.abandon():
            left.settle(failed=self.error is not None)

    def _run(self) -> None:
        while not self.done:
            self.step(_POLL_S)

    def _write(self, delivery: Delivery) -> None:
        begun = time.monotonic()
        written = False
        try:
            self.output.write(delivery.frame, delivery.image)
            written = True
        except Skipped:
            pass
        except ViewerClosed:
            written = self.done = True
        except BaseException as error:
            self.error = error
            self.done = True
        if written:
            delivery.frame.journey.mark(f"written to {self.output.name}")
            self._on_written(time.monotonic() - begun)
        delivery.settle(written=written, failed=self.error is not None)
        if self.done:
            self._on_end(self)
            self.abandon()

    def _miss(self, delivery: Delivery) -> None:
        self.missed += not self.done
        delivery.settle(failed=self.error is not None)
