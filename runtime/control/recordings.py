"""Videos that were asked for on the page."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from hsi.runtime.control.models import Recording
from hsi.runtime.control.refusal import NotNow, NotThere
from hsi.runtime.errors import HsiError
from hsi.runtime.live_run import LiveRun

logger = logging.getLogger(__name__)

_LONGEST_S = 3600.0  # one that somebody forgot must not fill the disk
_LEAST_FREE = 1_000_000_000  # bytes that stay free on the disk


@dataclass(frozen=True, kw_only=True)
class _Running:
    path: Path
    begun_at: float  # by time.monotonic()


class Recordings:
    """Starts and ends recordings of the stylised picture, one at a time for each camera.

    Args:
        live: The run.
        folder: Where they go. Their names are made here: nothing of them comes from outside.
    """

    def __init__(self, live: LiveRun, folder: Path) -> None:
        self._live = live
        self._folder = folder
        self._running: dict[str, _Running] = {}
        self._made: dict[str, tuple[int, Path]] = {}
        self._changing = threading.Lock()

    def start(self, number: int, camera: str) -> Recording:
        """Begin one.

        Args:
            number: Of the camera, from 1, for the name.
            camera: Its name in the run.

        Raises:
            NotNow: One is running, or there is too little room.
            OutputError: The file cannot be written.
        """
        with self._changing:
            free = shutil.disk_usage(self._folder).free
            if free < _LEAST_FREE:
                raise NotNow(
                    f"recording: expected {_LEAST_FREE // 1_000_000} MB of free disk, found "
                    f"{free // 1_000_000} MB: free some space"
                )
            if camera in self._running:
                raise NotNow(f"recording: camera {number} is being recorded: stop it first")
            name = f"hsi-run-{time.strftime('%Y%m%d-%H%M%S')}-camera-{number}.mp4"
            path = self._folder / name
            self._live.start_recording(camera, path)
            self._running[camera] = _Running(path=path, begun_at=time.monotonic())
            self._made[name] = (number, path)
        return self.find(name)

    def stop(self, number: int, camera: str) -> Recording:
        """End one.

        Raises:
            NotNow: None is running.
            OutputError: It could not be written.
        """
        with self._changing:
            running = self._running.pop(camera, None)
            if running is None:
                raise NotNow(f"recording: camera {number} is not being recorded: start one")
            try:
                self._live.stop_recording(camera)
            except HsiError:
                del self._made[running.path.name]
                raise
        return self.find(running.path.name)

    def end_overlong(self) -> None:
        """End those that run for an hour, or for which the disk has no room any more."""
        with self._changing:
            full = shutil.disk_usage(self._folder).free < _LEAST_FREE
            cameras = [
                camera
                for camera, one in self._running.items()
                if full or time.monotonic() - one.begun_at > _LONGEST_S
            ]
        for camera in cameras:
            try:
                self.stop(self._live.cameras.index(camera) + 1, camera)
            except HsiError as error:
                logger.warning("recording: %s", error)

    @property
    def recordings(self) -> list[Recording]:
        """All of this run, oldest first."""
        with self._changing:
            names = list(self._made)
        return [self.find(name) for name in names]

    def find(self, name: str) -> Recording:
        """Return one.

        Raises:
            NotThere: There is none of this name.
        """
        number, path = self._found(name)
        size = path.stat().st_size if path.is_file() else 0
        return Recording(name=name, camera=number, finished=path.is_file(), bytes=size)

    def path(self, name: str) -> Path:
        """Return the file of a finished one.

        Raises:
            NotThere: There is none of this name, or it still runs.
        """
        _, path = self._found(name)
        if not path.is_file():
            raise NotNow(f"recording {name!r}: is still being written: stop it first")
        return path

    def _found(self, name: str) -> tuple[int, Path]:
        with self._changing:
            found = self._made.get(name)
        if found is None:
            raise NotThere(f"recording {name!r}: expected one of /api/v1/recordings, found none")
        return found
