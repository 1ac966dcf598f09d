"""Where results go: the output folder and shared memory."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hsi.doctor.finding import Finding, fault, ok, warning
from hsi.doctor.machine import Machine

_TRIAL_BYTES = 16 << 20
_SLOW_MB_S = 10  # two recordings of 4K at 20 Mbit/s each, and room
_SCARCE_BYTES = 2 << 30  # an hour of 4K at 5 Mbit/s
_SHARED_BYTES = 256 << 20  # eight frames of 4K, and room
_ELSEWHERE = "choose another folder (--output FOLDER), or see to its permissions: ls -ld"


def folder(path: Path) -> Iterator[Finding]:
    """Write to the output folder, and take it away again."""
    subject = "output folder"
    if not path.is_dir():
        yield fault(subject, f"{path} is no folder", f"run mkdir -p {path}")
        return
    try:
        speed = _write_speed(path)
        free = shutil.disk_usage(path).free
    except OSError as error:
        yield fault(subject, f"{path} cannot be written: {error.strerror}", f"{_ELSEWHERE} {path}")
    else:
        text = f"{path}: {free / 1e9:.1f} GB free, written at {speed:.0f} MB/s"
        if free < _SCARCE_BYTES:
            yield warning(subject, text, "free some space, or record elsewhere")
        elif speed < _SLOW_MB_S:
            yield warning(
                subject,
                text,
                "record to a faster disk: a slow card drops frames of recordings",
            )
        else:
            yield ok(subject, text)


def _write_speed(path: Path) -> float:
    """MB a second, down to the disk.

    Raises:
        OSError: The folder is missing, full, or closed to this user.
    """
    data = os.urandom(1 << 20)  # disks that compress shall not look fast
    with tempfile.NamedTemporaryFile(dir=path, prefix=".hsi-doctor-") as file:
        begun = time.monotonic()
        for _ in range(_TRIAL_BYTES // len(data)):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
        return _TRIAL_BYTES / 1e6 / (time.monotonic() - begun)


def shared_memory(machine: Machine) -> Iterator[Finding]:
    """How much of it there is for frames of other programs."""
    place = machine.path("dev/shm")
    try:
        size = shutil.disk_usage(place).total
    except OSError:
        return
    text = f"{size >> 20} MiB in /dev/shm"
    if size >= _SHARED_BYTES:
        yield ok("shared memory", text)
    else:
        yield warning(
            "shared memory",
            f"{text}: too little for 4K frames to other programs (shm://)",
            "give a container --shm-size=1g; elsewhere sudo mount -o remount,size=1G /dev/shm",
        )
