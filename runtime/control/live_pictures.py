"""The live picture of a camera as JPEG, made once for all who look and only while somebody does."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import time
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from dataclasses import dataclass

import anyio
import cv2
import numpy as np

from hsi.runtime.frame import Image
from hsi.runtime.live_run import LiveRun
from hsi.runtime.live_view import Shown
from hsi.runtime.look import shrunk

WIDTHS = (320, 640, 960, 1280, 1920)
"""Pixels that a live picture may be wide: few, so that readers share what is encoded."""

SHARE = 0.006
"""Of all processor time: what live pictures may take from the line, together."""

_SLOWEST_S = 1.0  # between two pictures, however dear they are
_WAIT_S = 1.0
_HURRIED = 2  # rests left out: the picture that waits and the one in work are still the old ones
_ASKING_S = 0.01  # within which most readers ask for a new picture
_QUALITY = 80


class View(str, enum.Enum):
    """Which picture of a camera."""

    STYLISED = "stylised"
    INPUT = "input"
    PAIR = "pair"  # the input above the stylised picture: one moment in one image


@dataclass(frozen=True, kw_only=True)
class LivePicture:
    """One encoded picture."""

    place: int  # grows from picture to picture of the camera
    number: int  # of the frame, as its source counts
    jpeg: bytes


class LivePictures:
    """The newest picture of one camera, for any number of readers in one event loop.

    Each reader has a mailbox of one: it gets the newest picture when it asks, and never an older
    one than before. All who ask for the same view share its encoding.

    Args:
        live: The run.
        camera: Its name there.
        waiting: Where a thread may wait for a frame, one for each camera.
        encoding: Where pictures are encoded.
        share: Of one core that may be spent; pictures come as often as it allows.
    """

    def __init__(
        self,
        live: LiveRun,
        camera: str,
        *,
        waiting: Executor,
        encoding: Executor,
        share: float,
    ) -> None:
        self._live = live
        self._camera = camera
        self._waiting = waiting
        self._encoding = encoding
        self._share = share
        self._readers = 0
        self._pump: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._shown: Shown | None = None
        self._made: dict[tuple[View, int], asyncio.Future[bytes]] = {}
        self._encoded_s = 0.0  # processor time since the last rest
        self._hurried = asyncio.Event()
        self._hurried_left = 0  # rests to leave out

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Count as a reader: pictures come only while there is one."""
        self._readers += 1
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._follow())
        try:
            yield
        finally:
            self._readers -= 1

    async def next(self, after: int | None, view: View, width: int) -> LivePicture | None:
        """Return the newest picture once it is another than `after`; None: nothing came in time.

        Args:
            after: The place of the reader's last picture.
            view: Which picture.
            width: One of `WIDTHS`; a smaller frame keeps its size.
        """
        if self._place in (None, after):
            with anyio.move_on_after(_WAIT_S):
                await self._news.wait()
        shown = self._shown
        if shown is None or shown.place == after:
            return None
        if (view, width) not in self._made:
            self._made[view, width] = asyncio.ensure_future(self._encode(shown, view, width))
        making = self._made[view, width]
        # Shielded: one who leaves must not take the picture away from the others.
        jpeg = await asyncio.shield(making)
        return LivePicture(place=shown.place, number=shown.frame.number, jpeg=jpeg)

    def hurry(self) -> None:
        """Let the next pictures come as they are made: something has been changed."""
        self._hurried_left = _HURRIED
        self._hurried.set()

    @property
    def _place(self) -> int | None:
        return None if self._shown is None else self._shown.place

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        loop_s = time.thread_time()
        while self._readers:
            begun = time.monotonic()
            found, spent_s = await loop.run_in_executor(self._waiting, self._newest)
            if found is None:
                await asyncio.sleep(_ASKING_S)  # after the run nothing waits any more
                continue
            self._shown, self._made = found, {}
            # Those who wait have this event; those who come later wait for the next.
            news, self._news = self._news, asyncio.Event()
            news.set()
            await asyncio.sleep(_ASKING_S)
            await asyncio.gather(*self._made.values(), return_exceptions=True)
            before_s, loop_s = loop_s, time.thread_time()  # what is sent while it rests counts, too
            spent_s += self._encoded_s + loop_s - before_s
            self._encoded_s = 0.0
            await self._rest(begun + min(_SLOWEST_S, spent_s / self._share))
        self._shown, self._made = None, {}  # whoever comes next shall see nothing old

    def _newest(self) -> tuple[Shown | None, float]:
        """Wait for a picture. Returns it, and the processor time that it took."""
        begun = time.thread_time()
        found = self._live.newest(self._camera, after=self._place or 0, timeout_s=_WAIT_S)
        return found, time.thread_time() - begun

    async def _rest(self, until: float) -> None:
        if self._hurried_left:
            self._hurried_left -= 1
            return
        self._hurried.clear()
        with anyio.move_on_after(max(0.0, until - time.monotonic())):
            await self._hurried.wait()

    async def _encode(self, shown: Shown, view: View, width: int) -> bytes:
        loop = asyncio.get_running_loop()
        jpeg, seconds = await loop.run_in_executor(self._encoding, _encoded, shown, view, width)
        self._encoded_s += seconds
        return jpeg


def jpeg_of(image: Image, *, quality: int) -> bytes:
    """Encode `(H, W, 3)` uint8 BGR as JPEG."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def picture_of(shown: Shown, view: View, width: int | None = None) -> Image:
    """Return one view of a shown frame, `(H, W, 3)` uint8 BGR.

    Args:
        shown: The frame and what became of it.
        view: Which picture.
        width: Shrink it to this; None keeps its size.
    """
    if view is View.INPUT:
        return _narrowed(shown.frame.image, width)
    if view is View.STYLISED:
        return _narrowed(shown.image, width)
    stylised = _narrowed(shown.image, width)
    # A substitute may have another size than the frame it stands for.
    above = shrunk(shown.frame.image, (stylised.shape[1], stylised.shape[0]))
    return np.asarray(np.vstack([above, stylised]), np.uint8)


def _narrowed(image: Image, width: int | None) -> Image:
    if width is None or image.shape[1] <= width:
        return image
    return shrunk(image, (width, max(1, round(image.shape[0] * width / image.shape[1]))))


def _encoded(shown: Shown, view: View, width: int) -> tuple[bytes, float]:
    begun = time.thread_time()
    jpeg = jpeg_of(picture_of(shown, view, width), quality=_QUALITY)
    return jpeg, time.thread_time() - begun
