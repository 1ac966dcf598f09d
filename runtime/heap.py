"""How the C library hands out memory."""

from __future__ import annotations

import contextlib
import ctypes
import os

_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def bound_arenas() -> None:
    """Let glibc share two heaps among all threads; elsewhere, do nothing.

    By default each new thread gets a heap of its own, up to eight for each core, and a heap never
    shrinks below what a single block on top of it holds. Cameras that come and go start threads for
    months, and memory grows until every heap has had its largest frame. Call it before threads are
    started. `MALLOC_ARENA_MAX` in the environment wins.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    # Other C libraries have no such setting, and some systems no library by this name.
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def return_freed() -> None:
    """Hand what was freed back to the system, which glibc keeps; elsewhere, do nothing."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
