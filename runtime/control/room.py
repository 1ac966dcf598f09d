"""Everything that the requests to one control page share."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, TypeAlias

from fastapi import Depends
from starlette.requests import HTTPConnection

from hsi.runtime.control.desk import Desk
from hsi.runtime.control.live_pictures import SHARE, LivePictures
from hsi.runtime.control.recordings import Recordings
from hsi.runtime.control.refusal import TooMany
from hsi.runtime.control.shelf import StyleShelf
from hsi.runtime.event import Event
from hsi.runtime.live_run import LiveRun


class Room:
    """The line, the styles, the pictures and the places for readers. Made in the event loop.

    Args:
        live: The run.
        shelf: The styles on offer.
        folder: Where recordings go.
        places: Readers at the same time.
    """

    def __init__(self, live: LiveRun, shelf: StyleShelf, *, folder: Path, places: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._places = places
        self.readers = 0
        self.desk = Desk(live, shelf, self._show_change)
        self.recordings = Recordings(live, folder)
        self.uploading = asyncio.Semaphore(1)  # one picture at a time has the memory
        self._encoding = ThreadPoolExecutor(1, "hsi-control-encode")
        self._waiting = ThreadPoolExecutor(len(live.cameras), "hsi-control-wait")
        share = SHARE * (os.cpu_count() or 1) / len(live.cameras)
        self.pictures = {
            name: LivePictures(
                live, name, waiting=self._waiting, encoding=self._encoding, share=share
            )
            for name in live.cameras
        }
        self._unsubscribe = live.subscribe(self._hear)

    def close(self) -> None:
        """Give everything back; what threads still do ends by itself."""
        self._unsubscribe()
        self._waiting.shutdown(wait=False, cancel_futures=True)
        self._encoding.shutdown(wait=False, cancel_futures=True)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Take a reader's place.

        Raises:
            TooMany: All are taken.
        """
        if self.readers >= self._places:
            raise TooMany(
                f"readers: expected at most {self._places}, found as many: close a page or raise "
                "readers= in the address of -o"
            )
        self.readers += 1
        try:
            yield
        finally:
            self.readers -= 1

    def tell(self) -> None:
        """Let every open page know, from any thread, that something has changed."""
        self._call(self._wake)

    @property
    def news(self) -> asyncio.Event:
        """Is set when something changes. Take it before looking: then nothing is missed."""
        return self._news

    def _hear(self, event: Event) -> None:
        self.tell()

    def _show_change(self) -> None:
        """Let every open page see soon, from any thread, what has been steered."""
        for pictures in self.pictures.values():
            self._call(pictures.hurry)
        self.tell()

    def _call(self, act: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the page is being closed
            self._loop.call_soon_threadsafe(act)

    def _wake(self) -> None:
        # Those who wait now are woken; those who come later wait for the next.
        self._news.set()
        self._news = asyncio.Event()


def _room_of(connection: HTTPConnection) -> Room:
    room = connection.app.state.room
    assert isinstance(room, Room)
    return room


TheRoom: TypeAlias = Annotated[Room, Depends(_room_of)]
