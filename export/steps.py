"""Progress of an export on the standard error stream."""

import time
from typing import TextIO


class Steps:
    """Progress: on a terminal each step's name as it starts; its seconds when it has ended."""

    def __init__(self, stream: TextIO, quiet: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._live = stream.isatty()
        self._name: str | None = None
        self._started = 0.0

    def __call__(self, name: str) -> None:
        self.done()
        self._name, self._started = name, time.monotonic()
        if self._live and not self._quiet:
            print(f"{name} ... ", end="", flush=True, file=self._stream)

    def done(self) -> None:
        """The running step has ended."""
        if self._name is not None and not self._quiet:
            self.clear()
            print(f"{self._name}: {time.monotonic() - self._started:.1f} s", file=self._stream)
        self._name = None

    def clear(self) -> None:
        """Take the line of the running step away: what follows gets a line of its own."""
        if self._live and not self._quiet:
            print("\r\x1b[K", end="", flush=True, file=self._stream)
