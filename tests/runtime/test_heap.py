from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

# Twelve threads ask for memory at once; glibc then says how many heaps there are.
COUNT_HEAPS = """
import ctypes, threading
from hsi.runtime.heap import bound_arenas
bound_arenas()
c = ctypes.CDLL(None)
c.malloc.restype, c.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
together = threading.Barrier(12)
def ask():
    together.wait()
    c.malloc(1000)
    together.wait()
threads = [threading.Thread(target=ask) for _ in range(12)]
for one in threads: one.start()
for one in threads: one.join()
out = c.fopen(b"/dev/stdout", b"w")
c.malloc_info(0, ctypes.c_void_p(out))
c.fclose(ctypes.c_void_p(out))
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")


def _heaps(**environment: str) -> int:
    clean = {name: text for name, text in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    done = subprocess.run(
        [sys.executable, "-c", COUNT_HEAPS],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.count("<heap nr=")


@glibc
def test_many_threads_share_two_heaps() -> None:
    assert _heaps() == 2


@glibc
def test_the_environment_wins() -> None:
    assert _heaps(MALLOC_ARENA_MAX="5") == 5
