from __future__ import annotations

import threading
import time

import pytest

from hsi.runtime.frame_queue import FrameQueue, QueueEnd, Turns


def test_items_come_out_in_order() -> None:
    queue: FrameQueue[int] = FrameQueue(3)
    for item in (1, 2, 3):
        assert queue.put(item)
    assert [queue.get(0) for _ in range(3)] == [1, 2, 3]


def test_get_returns_none_when_the_time_is_up() -> None:
    assert FrameQueue[int](1).get(0.01) is None


@pytest.mark.parametrize("leaves", [False, True])
def test_a_writer_may_wait_until_the_reader_has_it(leaves: bool) -> None:
    queue: FrameQueue[int] = FrameQueue(1)
    told: list[bool] = []
    writer = threading.Thread(target=lambda: told.append(queue.hand_over(7)))
    writer.start()
    time.sleep(0.05)
    assert writer.is_alive()
    assert (queue.abandon() == [7]) if leaves else (queue.get(5) == 7)
    writer.join(5)
    assert told == [not leaves]


def test_newest_wins_and_the_replaced_come_back() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    pushed_out: list[int] = []
    for item in range(5):
        pushed_out += queue.put_newest(item)
    assert queue.get(0) == 4
    assert pushed_out == [0, 1, 2, 3]


def test_end_comes_after_the_last_item() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    queue.put(1)
    queue.finish()
    assert queue.get(0) == 1
    with pytest.raises(QueueEnd, match=r"^$"):
        queue.get(0)


def test_what_waits_in_an_abandoned_queue_comes_back_and_so_does_what_follows() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    queue.put(1)
    assert queue.abandon() == [1]
    assert queue.put_newest(2) == [2]
    assert not queue.put(3)
    with pytest.raises(QueueEnd, match=r"^$"):
        queue.get(0)


def test_a_waiting_writer_leaves_when_the_reader_abandons() -> None:
    queue: FrameQueue[int] = FrameQueue(1)
    queue.put(1)
    taken: list[bool] = []
    writer = threading.Thread(target=lambda: taken.append(queue.put(2)))
    writer.start()
    time.sleep(0.05)
    assert writer.is_alive()
    assert queue.abandon() == [1]
    writer.join(5)
    assert taken == [False]


def test_a_waiting_writer_goes_on_when_there_is_room() -> None:
    queue: FrameQueue[int] = FrameQueue(1)
    queue.put(1)
    writer = threading.Thread(target=queue.put, args=(2,))
    writer.start()
    assert queue.get(5) == 1
    assert queue.get(5) == 2
    writer.join(5)


def _two_queues() -> tuple[list[FrameQueue[str]], Turns[str]]:
    changed = threading.Condition()
    queues: list[FrameQueue[str]] = [FrameQueue(9, changed=changed) for _ in range(2)]
    return queues, Turns(queues, changed)


def test_nobody_is_served_twice_while_another_waits() -> None:
    (busy, calm), turns = _two_queues()
    for item in "abc":
        busy.put(item)
    calm.put("x")
    assert [turns.get(0) for _ in range(4)] == [(0, "a"), (1, "x"), (0, "b"), (0, "c")]
    assert turns.get(0.01) is None


def test_turns_wake_for_any_of_their_queues() -> None:
    (_, second), turns = _two_queues()
    threading.Timer(0.05, second.put, args=("x",)).start()
    assert turns.get(5) == (1, "x")


def test_turns_end_when_the_last_queue_has() -> None:
    (first, second), turns = _two_queues()
    first.abandon()
    second.put("x")
    second.finish()
    assert turns.get(0) == (1, "x")
    with pytest.raises(QueueEnd, match=r"^$"):
        turns.get(0)
