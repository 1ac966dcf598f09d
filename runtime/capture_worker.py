"""What reads a source, made to be thrown away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Protocol

from hsi.runtime.errors import HsiError
from hsi.runtime.frame import Frame
from hsi.runtime.heap import return_freed
from hsi.runtime.kept_threads import KeptThreads
from hsi.runtime.native_calls import STEPS
from hsi.runtime.source import CorruptFrame, EndOfStream, Source

_POLL_S = 0.1  # how soon the thread notices that it shall leave


class Taker(Protocol):
    """What a worker hands its frames to. Called in the worker's thread."""

    def take(self, frame: Frame, source: Source, read_s: float) -> bool:
        """Take a frame that was waited for and decoded in so long. False: no more is wanted."""

    def take_corrupt(self) -> None:
        """Take note of a frame that came damaged."""


class CaptureWorker:
    """Reads sources, one after another, in a thread that it has to itself for so long.

    Libraries below may hang for longer than any time limit they were given, so nobody waits for
    the worker: it is abandoned, and when its library lets go it closes its source and ends,
    unheard.

    Args:
        sources: Open sources, each closed when it ends; a generator opens them when it is asked.
        taker: Gets the frames.
        threads: Where it gets its thread from.
    """

    def __init__(self, sources: Iterable[Source], taker: Taker, threads: KeptThreads) -> None:
        self._sources = sources
        self._taker = taker
        self._abandoned = threading.Event()
        self._waiting_since: float | None = time.monotonic()
        self.source: Source | None = None  # the one being read
        self.frames = 0  # handed over
        self.last_at = 0.0  # when the last of them came
        self.done = False
        self.error: BaseException | None = None  # what ended it, once it is done
        self.task = threads.start(self._run)

    def waited_s(self, now: float) -> float:
        """Return for how long it has been waiting for its source: to open, or for a frame."""
        since = self._waiting_since
        return 0.0 if since is None else now - since

    def abandon(self) -> None:
        """Want nothing more from it. Does not wait."""
        self._abandoned.set()

    def _run(self) -> None:
        try:
            for source in self._sources:
                with source:
                    self.source = source
                    if not self._read_all(source):
                        break
                self._waiting_since = time.monotonic()
        except BaseException as error:
            self.error = error
            if isinstance(error, HsiError):
                # Its frames hold pictures and a decoder until the next garbage collection, and
                # this worker, which holds it.
                error.__traceback__ = error.__context__ = error.__cause__ = None
        finally:
            return_freed()
            self._waiting_since = None
            self.done = True

    def _read_all(self, source: Source) -> bool:
        """Read one source. Returns whether the next one shall follow."""
        begun = self._waiting_since = time.monotonic()
        while not self._abandoned.is_set():
            try:
                with STEPS.step():
                    frame = source.read(_POLL_S)
            except EndOfStream:
                return True
            except CorruptFrame:
                self._taker.take_corrupt()
                continue
            if frame is None:
                continue
            if self._abandoned.is_set():
                break  # it hung, and another worker has taken over meanwhile
            self.last_at = time.monotonic()
            # Waiting for the network is not waiting for the camera.
            self._waiting_since = None
            wanted = self._taker.take(frame, source, self.last_at - begun)
            self.frames += 1
            if not wanted:
                return False
            begun = self._waiting_since = time.monotonic()
        return False
