"""Stylised frames of a camera or a file, one after another, as a loop takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any

from hsi.runtime.embedded_pipeline import Pipeline
from hsi.runtime.frame_queue import FrameQueue
from hsi.runtime.live_view import Shown
from hsi.runtime.output import ViewerClosed

if TYPE_CHECKING:
    from hsi.runtime.live_run import LiveRun

_POLL_S = 0.1  # how soon a loop notices the end


class FrameStream:
    """What `for` and `async for` loop over; see :class:`Pipeline` for what runs behind it.

    For example::

        for shown in hsi.runtime.stream("rtsp://camera/1", style="great-wave"):
            cv2.imshow("line", shown.image)

    It opens when the loop begins and ends when the loop does, by its end, `break` or an exception.
    The frames of a file wait for the loop; of those of a camera, a slow loop misses some. An
    `async for` that breaks off ends its camera soon after; at once with `contextlib.aclosing`.

    Args:
        sources: As for :class:`Pipeline`.
        options: Likewise, without `on_frame`.

    Raises:
        OptionError, TypeError: As :class:`Pipeline`.
    """

    def __init__(self, *sources: Any, **options: Any) -> None:
        self._frames: FrameQueue[Shown] = FrameQueue(1)
        self._pipeline = Pipeline(*sources, on_frame=self._put, **options)

    @property
    def live(self) -> LiveRun:
        """Status and commands, while a loop is under way; see :attr:`Pipeline.live`."""
        return self._pipeline.live

    def __iter__(self) -> Generator[Shown, None, None]:
        """Yield frames and their pictures.

        Raises:
            HsiError: What ended the run was a fault.
        """
        with self._pipeline:
            try:
                while True:
                    over = self._pipeline.over  # before the look: what came last is there then
                    shown = self._frames.get(_POLL_S)
                    if shown is not None:
                        yield shown
                    elif over:
                        break
            finally:
                self._frames.abandon()  # or the end would wait for somebody to take the next one

    async def __aiter__(self) -> AsyncGenerator[Shown, None]:
        """Yield frames and their pictures, as `__iter__`. The event loop never waits."""
        try:
            await asyncio.to_thread(self._pipeline.start)
            while True:
                over = self._pipeline.over
                shown = await asyncio.to_thread(self._frames.get, _POLL_S)
                if shown is not None:
                    yield shown
                elif over:
                    break
        finally:
            self._frames.abandon()
            await asyncio.shield(asyncio.to_thread(self._pipeline.close))
        self._pipeline.wait()

    def _put(self, shown: Shown) -> None:
        # Until the loop has it, a newer one may take the place of the next.
        if not self._frames.hand_over(shown):
            raise ViewerClosed
