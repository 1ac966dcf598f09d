"""Aravis' own GigE Vision camera, which can be killed, frozen and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time

NEEDED = "Aravis' fake camera is not there: apt-get install aravis-tools"

_PROGRAM = "arv-fake-gv-camera-0.8"


class GigeCamera:
    """A camera at 127.0.0.1, not there until it is started. It shows a moving ramp.

    Raises:
        RuntimeError: Aravis is not installed.
    """

    def __init__(self) -> None:
        if not is_installed():
            raise RuntimeError(NEEDED)
        self.serial = f"HSI{os.getpid()}"
        self.uri = "gige://127.0.0.1"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, lost_per_mille: float = 0) -> None:
        """Start it.

        Args:
            lost_per_mille: How many of a thousand packets of pictures it leaves out.
        """
        words = ["-i", "127.0.0.1", "-s", self.serial, "-r", str(lost_per_mille)]
        self._process = subprocess.Popen([_PROGRAM, *words], stdout=subprocess.DEVNULL)
        time.sleep(0.2)  # it does not say when it listens

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


def is_installed() -> bool:
    """Tell whether the camera can be started."""
    return shutil.which(_PROGRAM) is not None
