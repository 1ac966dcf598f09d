"""The hand-over between two threads: bounded, and either side may leave at any time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueEnd(Exception):
    """The writer has finished and everything is taken. A signal, not a fault."""


class FrameQueue(Generic[T]):
    """A bounded queue to one reader thread.

    Neither side can hang on the other: the writer's `put` ends when the reader abandons the
    queue, the reader's `get` when the writer finishes or the time is up. Whatever is put either
    comes out of `get` once, or is returned once as something that nobody will get.

    Args:
        size: How many items may wait, at least 1.
        changed: Told of every change; shared by queues that are read together.
    """

    def __init__(self, size: int, *, changed: threading.Condition | None = None) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._changed = changed or threading.Condition()
        self._finished = False
        self._abandoned = False

    def put(self, item: T) -> bool:
        """Hand one item over, and wait for room.

        Returns:
            False when the reader has left and the item was not taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._size)
            if self._abandoned:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def hand_over(self, item: T) -> bool:
        """Hand one item over, and wait until the reader has it.

        Returns:
            False when the reader has left.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._size)
            if self._abandoned:
                return False
            self._items.append(item)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._abandoned or not self._items)
            return not self._abandoned

    def put_newest(self, item: T) -> list[T]:
        """Hand one item over in place of whatever waits.

        Returns:
            What nobody will get: the items that waited, or this one when the reader has left.
        """
        with self._changed:
            if self._abandoned:
                return [item]
            pushed_out = list(self._items)
            self._items.clear()
            self._items.append(item)
            self._changed.notify_all()
            return pushed_out

    def get(self, timeout_s: float) -> T | None:
        """Return the oldest item, or None when none came in time.

        Raises:
            QueueEnd: The writer has finished and everything is taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._finished, timeout_s)
            return self._taken()

    def finish(self) -> None:
        """Say, as the writer, that nothing more comes."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def abandon(self) -> list[T]:
        """Say, as the reader, that nothing more is wanted. Returns what waited."""
        with self._changed:
            self._abandoned = True
            left = list(self._items)
            self._items.clear()
            self._changed.notify_all()
            return left

    def _taken(self) -> T | None:
        if self._items:
            item = self._items.popleft()
            self._changed.notify_all()
            return item
        if self._finished or self._abandoned:
            raise QueueEnd
        return None


class Turns(Generic[T]):
    """Reads several queues in turn: nobody is served twice while another waits.

    Args:
        queues: Made with the same `changed`.
        changed: Theirs.
    """

    def __init__(self, queues: Sequence[FrameQueue[T]], changed: threading.Condition) -> None:
        self._queues = queues
        self._changed = changed
        self._next = 0

    def get(self, timeout_s: float) -> tuple[int, T] | None:
        """Return the next queue's place and its oldest item, or None when none came in time.

        Raises:
            QueueEnd: All writers have finished, or their queues were abandoned, and everything
                is taken.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = self._look()
                left_s = deadline - time.monotonic()
                if found is not None or left_s <= 0:
                    return found
                self._changed.wait(left_s)

    def _look(self) -> tuple[int, T] | None:
        ended = 0
        for step in range(len(self._queues)):
            place = (self._next + step) % len(self._queues)
            try:
                item = self._queues[place]._taken()
            except QueueEnd:
                ended += 1
                continue
            if item is not None:
                self._next = place + 1
                return place, item
        if ended == len(self._queues):
            raise QueueEnd
        return None
