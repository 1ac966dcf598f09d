"""Calls into a library whose threads must not be at work when the program ends."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hsi.runtime.errors import EngineError

_WAIT_S = 5.0


class NativeCalls:
    """Counts calls that run; at the program's end it lets the last of them finish.

    An interrupted program ends while daemon threads still run. A library that is taken down under
    one of them ends the process with an abort, and not with the program's own exit code.
    """

    def __init__(self) -> None:
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
            self._change.wait_for(lambda: not self._running, timeout=_WAIT_S)
