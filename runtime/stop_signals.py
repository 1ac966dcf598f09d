"""SIGINT and SIGTERM as requests to end in good order."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALLED = 128  # and the signal's number: the exit code of what a signal ended, as in shells


class StopSignals:
    """Turns the first signal into a request to end, and the second into an end."""

    def __init__(self) -> None:
        self.event = threading.Event()  # set by the first signal
        self.exit_code = 0  # of the process, which the first signal sets

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen, until the end of the ``with``; a second signal raises ``KeyboardInterrupt``."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set signal handlers
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self._note) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.event.is_set():
            raise KeyboardInterrupt
        self.exit_code = SIGNALLED + number
        self.event.set()
