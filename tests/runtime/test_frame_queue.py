from __future__ import annotations

import threading
import time

import pytest

from hsi.runtime.frame_queue import FrameQueue, QueueEnd


def test_items_come_out_in_order() -> None:
    queue: FrameQueue[int] = FrameQueue(3)
    for item in (1, 2, 3):
        assert queue.put(item)
    assert [queue.get(0) for _ in range(3)] == [1, 2, 3]


def test_get_returns_none_when_the_time_is_up() -> None:
    assert FrameQueue[int](1).get(0.01) is None


def test_newest_wins_and_the_replaced_are_counted() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    for item in range(5):
        queue.put(item, newest_wins=True)
    assert queue.get(0) == 4
    assert (queue.accepted, queue.replaced) == (5, 4)


def test_end_comes_after_the_last_item() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    queue.put(1)
    queue.finish()
    assert queue.get(0) == 1
    with pytest.raises(QueueEnd, match=r"^$"):
        queue.get(0)


def test_error_of_the_writer_comes_out_after_the_last_item() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    queue.put(1)
    queue.finish(ValueError("broken"))
    assert queue.get(0) == 1
    with pytest.raises(ValueError, match="broken"):
        queue.get(0)


def test_a_waiting_writer_leaves_when_the_reader_abandons() -> None:
    queue: FrameQueue[int] = FrameQueue(1)
    queue.put(1)
    taken: list[bool] = []
    writer = threading.Thread(target=lambda: taken.append(queue.put(2)))
    writer.start()
    time.sleep(0.05)
    assert writer.is_alive()
    queue.abandon()
    writer.join(5)
    assert taken == [False]
    assert queue.accepted == 1


def test_a_waiting_writer_goes_on_when_there_is_room() -> None:
    queue: FrameQueue[int] = FrameQueue(1)
    queue.put(1)
    writer = threading.Thread(target=queue.put, args=(2,))
    writer.start()
    assert queue.get(5) == 1
    assert queue.get(5) == 2
    writer.join(5)
