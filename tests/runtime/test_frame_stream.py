"""Loops over stylised frames, and what is left of them afterwards: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hsi.runtime
from hsi.runtime.errors import OptionError, SourceError

CAMERA = "test://96x64@30"
Told = list[tuple[str, Any]]
pytestmark = pytest.mark.usefixtures("no_thread_is_left")


def test_a_file_gives_every_frame_once(inverter: Told, clip: Path) -> None:
    numbers = []
    for shown in hsi.runtime.stream(clip):
        numbers.append(shown.frame.number)
        assert np.array_equal(shown.image, 255 - shown.frame.image)
    assert numbers == list(range(20))
    assert inverter[-1] == ("closed", None)


def test_a_slow_loop_keeps_a_file_waiting(inverter: Told, clip: Path) -> None:
    count = 0
    for _ in hsi.runtime.stream(clip, frames=8):
        time.sleep(0.02)
        count += 1
    assert count == 8


def test_a_slow_loop_over_a_camera_misses_frames_and_stays_near(inverter: Told) -> None:
    ages = []
    for shown in hsi.runtime.stream(CAMERA):
        ages.append(shown.frame.age_s())
        time.sleep(0.3)
        if shown.place == 6:
            break
    assert shown.frame.number > 20
    # One round, not as many as there are threads on the way; and what a busy machine adds.
    assert sorted(ages)[3] < 0.55


def test_breaking_out_gives_everything_back(inverter: Told) -> None:
    for shown in hsi.runtime.stream(CAMERA):
        if shown.place == 3:
            break
    assert inverter[-1] == ("closed", None)


def test_a_fault_in_the_loop_does_too(inverter: Told) -> None:
    with pytest.raises(ZeroDivisionError):
        for shown in hsi.runtime.stream(CAMERA):
            _ = shown.place // 0
    assert inverter[-1] == ("closed", None)


def test_a_fault_of_the_line_is_raised_in_the_loop(inverter: Told) -> None:
    with pytest.raises(SourceError, match=r"the connection broke, as was asked for"):
        for _ in hsi.runtime.stream(
            f"fault+{CAMERA}?lose=0.3s", live=hsi.runtime.LiveOptions(reconnect=False)
        ):
            pass
    with pytest.raises(SourceError, match=r"none.mp4: no such file"):
        next(iter(hsi.runtime.stream("none.mp4")))


def test_wrong_options_are_told_before_the_loop() -> None:
    with pytest.raises(OptionError, match="--strength must be from 0 to 1, got 7"):
        hsi.runtime.stream(CAMERA, strength=7)


def test_an_asyncio_program_does_other_things_meanwhile(inverter: Told, clip: Path) -> None:
    async def both() -> tuple[list[int], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        numbers = [shown.frame.number async for shown in hsi.runtime.stream(clip)]
        ticking.cancel()
        return numbers, ticks

    numbers, ticks = asyncio.run(both())
    assert numbers == list(range(20))
    assert ticks > 0
    assert inverter[-1] == ("closed", None)


def test_an_asyncio_loop_that_breaks_off_gives_everything_back(inverter: Told) -> None:
    async def first() -> int:
        async with contextlib.aclosing(aiter(hsi.runtime.stream(CAMERA))) as frames:
            async for shown in frames:
                return int(shown.place)
        return 0

    assert asyncio.run(first()) == 1
    assert inverter[-1] == ("closed", None)


def test_a_cancelled_task_gives_everything_back(inverter: Told) -> None:
    async def look() -> None:
        async for _ in hsi.runtime.stream(CAMERA):
            pass

    async def cancelled() -> None:
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(look(), timeout=0.5)

    asyncio.run(cancelled())
    assert ("closed", None) in inverter
