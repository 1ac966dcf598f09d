from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsi.runtime import inputs
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.inputs import Input, open_inputs
from hsi.runtime.source import Source

MISSING = "rtsp://me:hunter2@127.0.0.1:9/live"


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def _open(
    stack: contextlib.ExitStack, *uris: str | Path, reconnect: bool | None = None
) -> list[Input]:
    words = [str(uri) for uri in uris]
    return open_inputs(words, reconnect=reconnect, stack=stack, stop=threading.Event())


def test_cameras_play_at_once_and_are_opened_again(stack: contextlib.ExitStack) -> None:
    found = _open(stack, "test://64x48@30", "test://32x32@10")
    assert [(one.size, one.fps) for one in found] == [((64, 48), 30.0), ((32, 32), 10.0)]
    assert all(one.reopen is not None for one in found)


def test_files_play_as_one_and_are_not_tried_again(stack: contextlib.ExitStack, clip: Path) -> None:
    (found,) = _open(stack, clip, clip, reconnect=True)
    assert (found.frame_count, found.reopen) == (40, None)
    assert [source.frame_count for source in found.sources] == [20, 20]


def test_a_pattern_in_no_hurry_is_a_file(stack: contextlib.ExitStack) -> None:
    (found,) = _open(stack, "test://64x48?realtime=0&frames=3", "test://64x48?frames=2")
    assert (found.frame_count, found.reopen) == (5, None)


def test_without_reconnecting_nothing_is_opened_again(stack: contextlib.ExitStack) -> None:
    (found,) = _open(stack, "test://64x48@30", reconnect=False)
    assert found.reopen is None


@pytest.mark.parametrize("reconnect", [None, False])
def test_a_camera_that_is_not_there_ends_the_run(
    stack: contextlib.ExitStack, reconnect: bool | None
) -> None:
    with pytest.raises(SourceError, match=r"rtsp://\*\*\*@127\.0\.0\.1:9/live: cannot open it"):
        _open(stack, MISSING, reconnect=reconnect)


def test_a_camera_that_is_not_there_can_be_waited_for(stack: contextlib.ExitStack) -> None:
    (found,) = _open(stack, MISSING, reconnect=True)
    assert (found.name, found.first) == ("rtsp://***@127.0.0.1:9/live", None)
    with pytest.raises(SourceError, match="cannot open it"):
        next(iter(found.sources))


def test_one_camera_that_is_there_is_enough(stack: contextlib.ExitStack) -> None:
    there, missing = _open(stack, "test://64x48@30", MISSING)
    assert there.first is not None
    assert missing.first is None
    with pytest.raises(SourceError, match="cannot open it"):
        _open(stack, "test://64x48@30", MISSING, reconnect=False)


def test_a_camera_without_end_has_no_files_beside_it(
    stack: contextlib.ExitStack, clip: Path
) -> None:
    with pytest.raises(OptionError, match=r"test://64x48@30: files play one after another"):
        _open(stack, clip, "test://64x48@30")


def test_cameras_are_opened_at_the_same_time_and_a_silent_one_is_missing(
    stack: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, opened = threading.Event(), []

    def slow(uri: str) -> Source:
        opened.append(uri)
        free.wait(5)
        raise SourceError("too late")

    monkeypatch.setattr(inputs, "opener", lambda uri, options: lambda: slow(uri))
    monkeypatch.setattr(inputs, "_OPENING_S", 0.3)
    started = time.monotonic()
    found = _open(stack, "rtsp://a/1", "rtsp://b/2", reconnect=True)
    assert time.monotonic() - started < 2
    assert sorted(opened) == ["rtsp://a/1", "rtsp://b/2"]
    assert [one.first for one in found] == [None, None]
    free.set()


def test_a_stop_ends_the_waiting(
    stack: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, stop = threading.Event(), threading.Event()
    monkeypatch.setattr(inputs, "opener", lambda uri, options: lambda: free.wait(5))
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        open_inputs(["rtsp://a/1"], reconnect=True, stack=stack, stop=stop)
    free.set()
