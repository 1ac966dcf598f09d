"""A camera in a process of its own, which can be frozen and killed."""

from __future__ import annotations

import signal
import subprocess
from typing import Any


class CameraProcess:
    """What is common to cameras that are a process while they are there."""

    _process: subprocess.Popen[Any] | None = None

    def freeze(self) -> None:
        """Let it neither answer nor hang up."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """Take it away, as a power cut does."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
