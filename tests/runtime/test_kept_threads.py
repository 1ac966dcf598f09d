"""Threads that wait for more work."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from hsi.runtime.kept_threads import KeptThreads


@pytest.fixture
def threads() -> Iterator[KeptThreads]:
    made = KeptThreads("reader")
    yield made
    made.close()


def named(threads: KeptThreads) -> str:
    """The name of the thread that does the next piece of work."""
    names: list[str] = []
    task = threads.start(lambda: names.append(threading.current_thread().name))
    task.join(5)
    assert not task.is_alive()
    assert names == [task.name]
    return task.name


def running(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


def wait_for_end(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(5)
    assert not running(name)


def test_work_that_comes_later_is_done_by_the_same_thread(threads: KeptThreads) -> None:
    assert len({named(threads) for _ in range(20)}) == 1


def test_work_that_hangs_keeps_no_other_waiting(threads: KeptThreads) -> None:
    free = threading.Event()
    hanging = threads.start(free.wait)

    other = named(threads)

    assert hanging.is_alive()
    assert hanging.name != other
    free.set()
    hanging.join(5)
    assert {named(threads), named(threads)} <= {hanging.name, other}


def test_threads_end_when_they_are_closed(threads: KeptThreads) -> None:
    free = threading.Event()
    hanging = threads.start(free.wait)
    waiting = named(threads)

    threads.close()

    wait_for_end(waiting)
    assert hanging.is_alive()
    free.set()
    wait_for_end(hanging.name)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_whose_work_failed_gets_no_more(threads: KeptThreads) -> None:
    failing = threads.start(lambda: 1 // 0)
    failing.join(5)

    assert named(threads) != failing.name
    wait_for_end(failing.name)
