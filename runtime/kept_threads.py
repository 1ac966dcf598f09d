"""Threads that wait for more work when theirs is done."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from queue import SimpleQueue

_numbers = itertools.count()


class Task:
    """A piece of work in a thread that may outlive it.

    Args:
        work: What to do.
        name: Of the thread.
    """

    def __init__(self, work: Callable[[], object], name: str) -> None:
        self.name = name
        self._work: Callable[[], object] | None = work
        self._done = threading.Event()

    def is_alive(self) -> bool:
        """Whether the work goes on."""
        return not self._done.is_set()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is done, so many seconds at most."""
        self._done.wait(timeout)

    def run(self) -> None:
        """Do it, and hold nothing of it any more."""
        try:
            if self._work is not None:
                self._work()
        finally:
            self._work = None

    def end(self) -> None:
        """Let those go on who wait for it."""
        self._done.set()


class KeptThreads:
    """Daemon threads: as many as there is work at once, kept for the next piece of it.

    Libraries keep something for each thread that ever called them, some 270 bytes in OpenCV. So
    what comes and goes for months, as a camera does, must not come with a new thread each time.

    Args:
        name: What their names begin with.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._change = threading.Lock()
        self._idle: list[_Kept] = []
        self._closed = False

    def start(self, work: Callable[[], object]) -> Task:
        """Have it done at once, by a thread that waits or by a new one."""
        with self._change:
            kept = self._idle.pop() if self._idle else None
        if kept is None:
            kept = _Kept(f"{self._name}-{next(_numbers)}", self._keep)
        task = Task(work, kept.name)
        kept.tasks.put(task)
        return task

    def close(self) -> None:
        """Let threads end that wait; those at work end after it. Does not wait."""
        with self._change:
            self._closed = True
            idle, self._idle = self._idle, []
        for kept in idle:
            kept.tasks.put(None)

    def _keep(self, kept: _Kept) -> bool:
        with self._change:
            if not self._closed:
                self._idle.append(kept)
            return not self._closed


class _Kept:
    def __init__(self, name: str, keep: Callable[[_Kept], bool]) -> None:
        self.name = name
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._keep = keep
        # A daemon: what hangs in a library must not keep the process alive.
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _serve(self) -> None:
        wanted = True
        while wanted and (task := self.tasks.get()) is not None:
            try:
                task.run()
                # Before its end is told: whoever waits for that finds this thread to take.
                wanted = self._keep(self)
            finally:
                task.end()
