"""An output that hands pictures to a program."""

from __future__ import annotations

from collections.abc import Callable

from hsi.runtime.frame import Frame, Image
from hsi.runtime.live_view import Shown
from hsi.runtime.output import ViewerClosed

OnFrame = Callable[[Shown], None]


class CallbackOutput:
    """Calls a program with every picture, in the thread of this output.

    Args:
        on_frame: Gets a frame and a copy of its picture, to keep. `ViewerClosed` ends the run well.
        on_fault: Told what it raised else; then nothing more comes.
    """

    name = "on_frame"
    thread_bound = False

    def __init__(self, on_frame: OnFrame, on_fault: Callable[[BaseException], None]) -> None:
        self._on_frame = on_frame
        self._on_fault = on_fault
        self._place = 0

    def write(self, frame: Frame, image: Image) -> None:
        """See :meth:`hsi.runtime.output.Output.write`."""
        self._place += 1
        try:
            self._on_frame(Shown(place=self._place, frame=frame, image=image.copy()))
        except ViewerClosed:
            raise
        except BaseException as error:
            self._on_fault(error)
            raise ViewerClosed from error

    def __enter__(self) -> CallbackOutput:
        return self

    def __exit__(self, *reason: object) -> None:
        pass
