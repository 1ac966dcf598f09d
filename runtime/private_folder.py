"""Folders of what is run when it is read: the user's own, and closed to others."""

import os
import stat
import tempfile
from pathlib import Path


def is_private(folder: Path) -> bool:
    """Whether no one else can put machine code into it; it need not be there yet."""
    try:
        found = os.stat(folder)
    except OSError:
        return True
    return not hasattr(os, "getuid") or (
        found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def make_private(folder: Path) -> None:
    """Make it, closed to others.

    Raises:
        OSError: The disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file of such a folder, which others see whole or not at all.

    Raises:
        OSError: The disk refuses, or is full.
    """
    make_private(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        fresh = Path(beside) / path.name
        fresh.write_bytes(data)
        os.replace(fresh, path)
