"""GenTL producers, the drivers that makers of cameras and frame grabbers bring, by harvesters."""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hsi.runtime.closing import Closing
from hsi.runtime.errors import SourceError

PATHS = "GENICAM_GENTL64_PATH"  # in which producers say where they are


@functools.cache
def load_harvesters() -> Any:
    """Return the module `harvesters.core`.

    Raises:
        SourceError: It is not installed.
    """
    try:
        core = importlib.import_module("harvesters.core")
    except ImportError as error:
        raise SourceError(
            f"GenTL cameras need harvesters ({error}): run pip install 'hsi-edge[gentl]'"
        ) from error
    # It prints tracebacks by itself. What it raises is told where it is called.
    logging.getLogger(core.__name__).handlers[:] = [logging.NullHandler()]
    return core


@functools.cache
def failures() -> tuple[type[Exception], ...]:
    """Return what producers and cameras raise through harvesters, once that is installed."""
    kinds: list[type[Exception]] = [OSError, ValueError]
    with contextlib.suppress(ImportError):
        for name in ("genicam.gentl", "genicam.genapi"):
            kinds.append(importlib.import_module(name).GenericException)
    return tuple(kinds)


@dataclass(frozen=True, kw_only=True)
class Device:
    """A camera that a producer knows."""

    id: str  # as the producer calls it
    vendor: str
    model: str
    serial: str
    user_name: str  # as its owner calls it


class Producer(Closing):
    """A loaded producer with the cameras that it knew then. Closed by its last user.

    A process has one object for each file: a second would not see the cameras, and looking for
    cameras again disturbs those that are open.

    Args:
        path: Of the `.cti` file, whose code runs in this process.

    Raises:
        SourceError: It cannot be loaded.
    """

    _changing: ClassVar = threading.Lock()
    _loaded: ClassVar[dict[Path, tuple[Any, int]]] = {}  # by path: harvester, number of users

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._changing:
            harvester, users = self._loaded.get(path, (None, 0))
            self._harvester = harvester or _harvester_of(path)
            self._loaded[path] = (self._harvester, users + 1)
        self._closed = False

    def devices(self) -> list[Device]:
        """Return its cameras."""
        return [
            Device(
                id=_text(one, "id_"),
                vendor=_text(one, "vendor"),
                model=_text(one, "model"),
                serial=_text(one, "serial_number"),
                user_name=_text(one, "user_defined_name"),
            )
            for one in self._harvester.device_info_list
        ]

    def open(self, device: Device) -> Any:
        """Return a harvesters `ImageAcquirer`, which the caller destroys.

        Raises:
            SourceError: The camera is not there any more, or belongs to another program.
        """
        try:
            return self._harvester.create({"id_": device.id})
        except failures() as error:
            raise SourceError(
                f"cannot open {device.id}: {reason_of(error)}: check the cable, or whether another "
                "program has it"
            ) from error

    def close(self) -> None:
        """Want it no more."""
        with self._changing:
            if self._closed:
                return
            self._closed = True
            harvester, users = self._loaded.pop(self.path)
            if users > 1:
                self._loaded[self.path] = (harvester, users - 1)
            else:
                harvester.reset()


def known_producers() -> list[Path]:
    """Return the `.cti` files in the folders that GENICAM_GENTL64_PATH names."""
    folders = [folder for folder in os.environ.get(PATHS, "").split(os.pathsep) if folder]
    return sorted({path for folder in folders for path in Path(folder).glob("*.cti")})


def reason_of(error: Exception) -> str:
    """Return why a producer or camera failed, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _harvester_of(path: Path) -> Any:
    core = load_harvesters()
    harvester = core.Harvester()
    try:
        harvester.add_file(str(path), check_existence=True, check_validity=True)
        harvester.update()
    except failures() as error:
        harvester.reset()
        raise SourceError(
            f"{path}: cannot load this GenTL producer: {reason_of(error)}: check the path, or "
            "install the camera maker's software again"
        ) from error
    return harvester


def _text(info: Any, field: str) -> str:
    try:
        return str(getattr(info, field) or "")
    except failures():
        return ""  # a producer need not know every field
