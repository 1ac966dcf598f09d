"""What a reader leaves behind when its camera is gone."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from hsi.runtime.capture_worker import CaptureWorker
from hsi.runtime.frame import Frame
from hsi.runtime.kept_threads import KeptThreads
from hsi.runtime.source import Source, SourceLost
from tests.runtime.scripted import ScriptedSource


class Decoder:
    """Something large."""


class LosingSource(ScriptedSource):
    """Breaks while its caller's frames hold a decoder, as a library does."""

    def __init__(self) -> None:
        super().__init__(live=True)
        self.decoder: weakref.ref[Decoder] | None = None

    def read(self, timeout_s: float) -> Frame | None:
        decoder = Decoder()
        self.decoder = weakref.ref(decoder)
        try:
            raise OSError("broken")
        except OSError as error:
            raise SourceLost("camera: was lost") from error


class Taker:
    def take(self, frame: Frame, source: Source, read_s: float) -> bool:
        return True

    def take_corrupt(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def threads() -> Iterator[KeptThreads]:
    made = KeptThreads("reader")
    yield made
    made.close()


def test_what_a_lost_camera_held_goes_without_a_garbage_collection(threads: KeptThreads) -> None:
    source = LosingSource()
    worker = CaptureWorker([source], Taker(), threads)
    worker.task.join()
    assert isinstance(worker.error, SourceLost)
    assert source.decoder is not None
    assert source.decoder() is None
    left = weakref.ref(worker)
    del worker
    assert left() is None


def test_an_error_that_is_a_mistake_of_ours_keeps_its_trace(threads: KeptThreads) -> None:
    worker = CaptureWorker(
        [ScriptedSource(instead={0: ZeroDivisionError("oops")})], Taker(), threads
    )
    worker.task.join()
    assert worker.error is not None
    assert worker.error.__traceback__ is not None
