"""What makes a video steady: statistics and standing picture, smoothed over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.checks import checked_share
from hsi.runtime.frame import Image
from hsi.runtime.still_filter import StillFilter
from hsi.runtime.style_code import StyleCode
from hsi.runtime.stylizer import Stylised, Stylizer

DEFAULT_STABILITY = 0.5

MEMORY_S = 2.0
"""Time constant at stability 1, in seconds."""

_GLANCE = (32, 18)  # small enough that what moves in the scene weighs little
# Grey levels by which half of a glance differs from the last at a cut. A thing that moves, however
# bright, changes less than half of the scene.
_CUT = 8.0


@dataclass(frozen=True, kw_only=True)
class _Past:
    """What the next frame is smoothed with."""

    statistics: npt.NDArray[np.float32]
    style: StyleCode
    strength: float
    time_s: float
    shape: tuple[int, ...]
    glance: cv2.typing.MatLike


class Stabiliser:
    """Steadies one stream of frames, without delay. Not for two streams or two threads at once.

    Global statistics are an exponential mean over time, and so is the stylised picture wherever
    the scene stands still. A scene cut, another frame size, another style or strength, and a clock
    that does not go on start anew.

    Args:
        stability: In [0, 1]: both remember for ``stability * MEMORY_S`` seconds. 0 makes each frame
            by itself, exactly as the stylizer does.

    Raises:
        OptionError: It lies outside [0, 1].
    """

    def __init__(self, stability: float = DEFAULT_STABILITY) -> None:
        self.stability = checked_share(stability, "stability")
        self._past: _Past | None = None
        self._still = StillFilter()

    def reset(self) -> None:
        """Forget the past, as at a scene cut."""
        self._past = None
        self._still.reset()

    def stylize(
        self, stylizer: Stylizer, frame: Image, *, time_s: float, out: Image | None = None
    ) -> Stylised:
        """Stylise the stream's next frame.

        Args:
            stylizer: The same for the whole stream.
            frame: `(H, W, 3) uint8 BGR`. Read, never written, not kept.
            time_s: When it was taken, in seconds of any clock.
            out: As in :meth:`Stylizer.stylize`.

        Raises:
            FrameError, EngineError: As :meth:`Stylizer.stylize`.
        """
        if self.stability == 0:
            return stylizer.stylize(frame, out=out)
        glance = _glance(frame)
        past = self._usable_past(frame, glance, time_s)
        memory = 0.0 if past is None else self._memory(time_s - past.time_s)
        made = _with_statistics(stylizer, frame, past, memory, out)
        if past is None or made.style is not past.style or made.strength != past.strength:
            self._still.reset()
        # Nothing is done to a frame without style: it promises to be the frame itself.
        if made.strength > 0:
            self._still.smooth(frame, made.image, memory)
        self._past = _Past(
            statistics=made.statistics,
            style=made.style,
            strength=made.strength,
            time_s=time_s,
            shape=frame.shape,
            glance=glance,
        )
        return made

    def _usable_past(self, frame: Image, glance: cv2.typing.MatLike, time_s: float) -> _Past | None:
        past = self._past
        if past is None or past.shape != frame.shape or not time_s > past.time_s:
            return None
        return None if _is_cut(past.glance, glance) else past

    def _memory(self, passed_s: float) -> float:
        return math.exp(-passed_s / (self.stability * MEMORY_S))


def _with_statistics(
    stylizer: Stylizer, frame: Image, past: _Past | None, memory: float, out: Image | None
) -> Stylised:
    if past is None or past.style is not stylizer.style:
        return stylizer.stylize(frame, out=out)
    made = stylizer.stylize(frame, statistics=past.statistics, statistics_weight=memory, out=out)
    if made.style is past.style:
        return made
    # The style changed in the meantime, and statistics belong to the style they were made with.
    return stylizer.stylize(frame, out=made.image)


def _glance(frame: Image) -> cv2.typing.MatLike:
    small = cv2.resize(frame, _GLANCE, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)


def _is_cut(before: cv2.typing.MatLike, after: cv2.typing.MatLike) -> bool:
    return float(np.median(cv2.absdiff(before, after))) > _CUT
