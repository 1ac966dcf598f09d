from __future__ import annotations

import threading

import pytest

from hsi.runtime.errors import EngineError
from hsi.runtime.native_calls import NativeCalls


def test_the_end_waits_for_a_call_that_runs() -> None:
    calls, begun, go_on = NativeCalls(), threading.Event(), threading.Event()

    def call() -> None:
        with calls.one():
            begun.set()
            go_on.wait(10)

    threading.Thread(target=call).start()
    assert begun.wait(10)
    ending = threading.Thread(target=calls.end)
    ending.start()
    ending.join(0.1)
    assert ending.is_alive()

    go_on.set()
    ending.join(10)
    assert not ending.is_alive()


def test_no_call_begins_after_the_end() -> None:
    calls = NativeCalls()
    calls.end()

    with pytest.raises(EngineError, match="the program is ending"), calls.one():
        pass


def test_no_step_begins_after_the_end_and_none_fails() -> None:
    calls, begun = NativeCalls(), threading.Event()
    calls.end()

    def step() -> None:
        with calls.step():
            begun.set()

    thread = threading.Thread(target=step, daemon=True)
    thread.start()

    assert not begun.wait(0.1)
    assert thread.is_alive()


def test_the_end_does_not_wait_for_ever() -> None:
    calls = NativeCalls(wait_s=0.05)

    with calls.step():
        calls.end()
