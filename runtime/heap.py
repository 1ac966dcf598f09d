"""How the C library hands out memory."""

from __future__ import annotations

import contextlib
import ctypes
import os

_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1  # of glibc's malloc.h
_ARENAS = 1
_LARGEST_KEPT = 32 << 20  # bytes of a block, the most that glibc takes: a frame of 4K has 25 MB
_KEPT = 64 << 20  # bytes of each heap


def share_heap() -> None:
    """Let glibc give all threads one heap; elsewhere, do nothing.

    By default each new thread gets a heap of its own, up to eight for each core, and a heap never
    shrinks below what a single block on top of it holds. Cameras that come and go start threads for
    months, and memory grows until every heap has had its largest frame. A second heap alone still
    grew by a megabyte in an hour, with nothing more in use. Call it before threads are started.
    `MALLOC_ARENA_MAX` in the environment wins.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    # Other C libraries have no such setting, and some systems no library by this name.
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def keep_frames() -> None:
    """Let glibc keep what frames took for the next ones; elsewhere, do nothing.

    By default it hands large blocks back at once, and each frame pays for fresh memory, page by
    page: at 1280x720 a quarter of what decoding takes. `MALLOC_TRIM_THRESHOLD_` in the environment
    wins.
    """
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        return
    with contextlib.suppress(OSError, TypeError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def return_freed() -> None:
    """Hand what was freed back to the system, which glibc keeps; elsewhere, do nothing."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def heap_in_use_bytes() -> int | None:
    """Return what glibc (2.33 or later) has handed out and not got back; elsewhere, None.

    A leak shows here at once. Resident memory also holds what was freed and is kept for the next
    frames, which goes up and down by more.
    """
    try:
        asked = ctypes.CDLL(None).mallinfo2
    except (OSError, TypeError, AttributeError):
        return None
    asked.restype = _Mallinfo2
    found = asked()
    return int(found.uordblks + found.hblkhd)
