from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from hsi.runtime.heap import heap_in_use_bytes

# Twelve threads ask for memory at once; glibc then says how many heaps there are.
COUNT_HEAPS = """
import ctypes, threading
from hsi.runtime.heap import share_heap
share_heap()
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

# Memory is taken as frames take it, again and again; told are the pages that were fetched.
TAKE_FRAMES = """
import resource, sys
from hsi.runtime.heap import keep_frames
if "keep" in sys.argv: keep_frames()
def fetched(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        frames = [b"x" * 2_764_800 for _ in range(4)]
        del frames
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
fetched(2)
print(fetched(20))
"""

# Blocks below one that stays are freed, which glibc keeps for itself.
FREE_BELOW = """
from hsi.runtime.heap import return_freed
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
blocks = [bytes(4000) for _ in range(20_000)]
blocks = blocks[-1:]
before = resident()
return_freed()
print(before - resident())
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
def test_many_threads_share_one_heap() -> None:
    assert _heaps() == 1


@glibc
def test_the_environment_wins() -> None:
    assert _heaps(MALLOC_ARENA_MAX="5") == 5


@glibc
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_freed_memory_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FREE_BELOW], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 40e6


@glibc
def test_the_heap_in_use_is_what_was_asked_for() -> None:
    before = heap_in_use_bytes()
    held = bytes(50_000_000)
    during = heap_in_use_bytes()
    del held
    after = heap_in_use_bytes()
    assert before is not None and during is not None and after is not None
    assert during - before == pytest.approx(50e6, rel=0.05)
    assert after - before == pytest.approx(0, abs=2.5e6)


def test_a_c_library_that_does_not_tell_has_no_heap_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert heap_in_use_bytes() is None


def _pages(*words: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", TAKE_FRAMES, *words], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@glibc
def test_frames_use_the_memory_of_those_before() -> None:
    assert _pages("keep") < 1000 < _pages()
