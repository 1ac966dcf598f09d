"""Aravis' own GigE Vision camera, which can be killed, frozen and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

from bench.camera_process import CameraProcess

NEEDED = "Aravis' fake camera is not there: apt-get install aravis-tools"

_PROGRAM = "arv-fake-gv-camera-0.8"


class GigeCamera(CameraProcess):
    """A camera at 127.0.0.1, not there until it is started. It shows a moving ramp.

    Raises:
        RuntimeError: Aravis is not installed.
    """

    def __init__(self) -> None:
        if not is_installed():
            raise RuntimeError(NEEDED)
        self.serial = f"HSI{os.getpid()}"
        self.uri = "gige://127.0.0.1"

    def start(self, *, lost_per_mille: float = 0) -> None:
        """Start it.

        Args:
            lost_per_mille: How many of a thousand packets of pictures it leaves out.
        """
        words = ["-i", "127.0.0.1", "-s", self.serial, "-r", str(lost_per_mille)]
        self._process = subprocess.Popen([_PROGRAM, *words], stdout=subprocess.DEVNULL)
        time.sleep(0.2)  # it does not say when it listens


def is_installed() -> bool:
    """Tell whether the camera can be started."""
    return shutil.which(_PROGRAM) is not None
