"""Calls into native libraries that must not be at work when the program ends."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hsi.runtime.errors import EngineError


class NativeCalls:
    """Counts calls that run; at the program's end it lets the last of them finish.

    An interrupted program ends while daemon threads still run. A library that is taken down under
    one of them ends the process with an abort, and not with the program's own exit code.

    Args:
        wait_s: Seconds that the program's end waits, at most.
    """

    def __init__(self, wait_s: float = 5.0) -> None:
        self._wait_s = wait_s
        self._change = threading.Condition()
        self._running = 0
        self._ended = False
        atexit.register(self.end)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Make a call.

        Raises:
            EngineError: The program is ending.
        """
        with self._change:
            if self._ended:
                raise EngineError("the program is ending: no more frames are made")
            self._running += 1
        with self._uncounted():
            yield

    @contextmanager
    def step(self) -> Iterator[None]:
        """Do a piece of a daemon thread's work. When the program is ending it never begins."""
        with self._change:
            while self._ended:
                self._change.wait()
            self._running += 1
        with self._uncounted():
            yield

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._change:
                self._running -= 1
                self._change.notify_all()

    def end(self) -> None:
        """Let no more calls begin, and wait for those that run."""
        with self._change:
            self._ended = True
            self._change.wait_for(lambda: not self._running, timeout=self._wait_s)


STEPS = NativeCalls(wait_s=0.5)
"""What the threads of a line do, frame by frame: OpenCV ends the process with an abort too."""
