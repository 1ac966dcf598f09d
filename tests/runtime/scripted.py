"""Sources, networks and outputs of a pipeline that do as a test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from hsi.runtime.frame import Frame, Image
from hsi.runtime.run_summary import RunSummary
from hsi.runtime.source import EndOfStream


class ScriptedSource:
    """Gives `count` numbered frames, or does what `instead` says at a number."""

    def __init__(
        self,
        count: int = 10,
        *,
        live: bool = False,
        pause_s: float = 0.0,
        instead: dict[int, Any] | None = None,
        name: str = "scripted",
    ) -> None:
        self.name, self.live, self.fps = name, live, 25.0
        self.size, self.frame_count = (8, 4), count
        self.given = 0
        self.closed_in: str | None = None
        self._pause_s = pause_s
        self._instead = instead or {}

    def read(self, timeout_s: float) -> Frame | None:
        time.sleep(self._pause_s)
        action = self._instead.get(self.given)
        if isinstance(action, BaseException):
            raise action
        if callable(action):
            action()
        if self.given >= self.frame_count:
            raise EndOfStream(self.name)
        number = self.given
        self.given += 1
        image = np.full((4, 8, 3), number, np.uint8)
        return Frame(image=image, number=number, time_s=number / 25, source=self.name)

    def close(self) -> None:
        self.closed_in = threading.current_thread().name

    def __enter__(self) -> ScriptedSource:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


class Collector:
    """Keeps the numbers and a copy of one value of every image."""

    name = "collector"
    thread_bound = False

    def __init__(self, pause_s: float = 0.0, instead: dict[int, BaseException] | None = None):
        self.numbers: list[int] = []
        self.values: list[int] = []
        self.shapes: set[tuple[int, ...]] = set()
        self.threads: set[str] = set()
        self._pause_s = pause_s
        self._instead = instead or {}

    def write(self, frame: Frame, image: Image) -> None:
        time.sleep(self._pause_s)
        self.threads.add(threading.current_thread().name)
        self.numbers.append(frame.number)
        self.values.append(int(image[0, 0, 0]))
        self.shapes.add(image.shape)
        if frame.number in self._instead:
            raise self._instead[frame.number]

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *reason: object) -> None:
        pass


def invert(frame: Frame) -> Image:
    """The quickest network."""
    return np.subtract(np.uint8(255), frame.image)


def slowly(seconds: float) -> Callable[[Frame], Image]:
    """Return a network that takes so long."""

    def stylize(frame: Frame) -> Image:
        time.sleep(seconds)
        return invert(frame)

    return stylize


def is_balanced(summary: RunSummary) -> bool:
    """Whether every frame taken was shown or counted as dropped."""
    return summary.captured == summary.shown + sum(summary.dropped.values())
