"""The hand-over between two threads: bounded, and either side may leave at any time."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueEnd(Exception):
    """The writer has finished and everything is taken. A signal, not a fault."""


class FrameQueue(Generic[T]):
    """A bounded queue from one writer thread to one reader thread.

    Neither side can hang on the other: the writer's `put` ends when the reader abandons the
    queue, the reader's `get` when the writer finishes or the time is up. An error of the writer
    comes out at the reader, after the items before it.

    Args:
        size: How many items may wait, at least 1.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._finished = False
        self._abandoned = False
        self._error: BaseException | None = None
        self.accepted = 0  # items that `put` took, ever
        self.replaced = 0  # accepted items that a newer one pushed out

    def put(self, item: T, *, newest_wins: bool = False) -> bool:
        """Hand one item over.

        Args:
            item: The item.
            newest_wins: Push out whatever waits instead of waiting for room.

        Returns:
            False when the reader has left and the item was not taken.
        """
        with self._changed:
            if newest_wins:
                self.replaced += 0 if self._abandoned else len(self._items)
                self._items.clear()
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._size)
            if self._abandoned:
                return False
            self._items.append(item)
            self.accepted += 1
            self._changed.notify_all()
            return True

    def get(self, timeout_s: float) -> T | None:
        """Return the oldest item, or None when none came in time.

        Raises:
            QueueEnd: The writer has finished and everything is taken.
            BaseException: The error that the writer finished with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._finished, timeout_s)
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            if self._error is not None:
                raise self._error
            if self._finished:
                raise QueueEnd
            return None

    def finish(self, error: BaseException | None = None) -> None:
        """Say, as the writer, that nothing more comes, and why."""
        with self._changed:
            self._finished = True
            self._error = error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Say, as the reader, that nothing more is wanted; what waits is forgotten."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()
