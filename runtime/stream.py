"""One video through a stylizer: steady, and with the look controls."""

from __future__ import annotations

import numpy as np

from hsi.runtime.checks import checked_buffer, checked_picture, checked_share
from hsi.runtime.flicker import FlickerGauge
from hsi.runtime.frame import Frame, Image
from hsi.runtime.look import Look, enlarge, keep_colour, shrunk
from hsi.runtime.region import keep_protected
from hsi.runtime.scene_watch import SceneWatch
from hsi.runtime.stabiliser import DEFAULT_STABILITY, Stabiliser
from hsi.runtime.stylizer import Stylised, Stylizer


class Stream:
    """One stream of frames through a stylizer, in order, from one thread at a time.

    Streams may share a stylizer, whose style and strength hold for all of them; each has its own
    past. For example::

        stream = hsi.runtime.Stream(stylizer, look=hsi.runtime.Look(keep_colour=True))
        out = stream(frame, time_s=time.monotonic())

    Args:
        stylizer: Lent: whoever opened it closes it.
        look: The look controls; None for the default ones, at which frames with a short side of
            more than 1080 pixels are stylised at 1080.
        stability: In [0, 1]; see :class:`Stabiliser`.
        watch: Is shown every frame as the network sees it.

    Raises:
        OptionError: The stability lies outside [0, 1].
    """

    def __init__(
        self,
        stylizer: Stylizer,
        *,
        look: Look | None = None,
        stability: float = DEFAULT_STABILITY,
        watch: SceneWatch | None = None,
    ) -> None:
        self._stylizer = stylizer
        self._stabiliser = Stabiliser(stability)
        self._stability = stability
        self.watch = watch
        self.flicker = FlickerGauge()
        self._source: str | None = None
        self.look = Look() if look is None else look
        """May be replaced from any thread; holds from the next frame on."""
        self.resolution = 1.0
        """Share of the sides, of what the network would see, that it does see; see
        :meth:`set_resolution`."""

    @property
    def stability(self) -> float:
        """As given. May be set from any thread; holds from the next frame on."""
        return self._stability

    @stability.setter
    def stability(self, value: float) -> None:
        self._stability = checked_share(value, "stability")

    def __call__(
        self, frame: Image, *, time_s: float | None = None, out: Image | None = None
    ) -> Image:
        """Stylise the next frame.

        Args:
            frame: `(H, W, 3) uint8 BGR`. Read, never written, not kept.
            time_s: When it was taken, in seconds of any clock; None for a picture by itself,
                which has no past and is none to the next.
            out: A buffer of the same shape to write to, C-contiguous, apart from ``frame``.

        Returns:
            ``out``, or a fresh array.

        Raises:
            OptionError: A protected region does not lie inside the frame.
            FrameError, EngineError: As :meth:`Stylizer.stylize`.
        """
        frame = checked_picture(frame, "frame")
        look, self._stabiliser.stability = self.look, self._stability
        working = shrunk(frame, self._seen(look.working_size((frame.shape[1], frame.shape[0]))))
        if working is frame:
            out = self._stylize(frame, time_s, out).image
        else:
            out = np.empty_like(frame) if out is None else checked_buffer(out, frame)
            made = self._stylize(working, time_s, None)
            enlarge(working, made.image, frame, made.strength, out)
        if look.keep_colour:
            keep_colour(frame, out)
        keep_protected(frame, out, look.protect)
        if time_s is not None:
            self.flicker.see(frame, out, time_s)
        return out

    def play(self, frame: Frame, *, out: Image | None = None) -> Image:
        """Stylise a source's next frame: as a call, with the frame's own time.

        Another source starts anew, and picture files stand each for itself.
        """
        if frame.source != self._source:
            self.reset()
            self._source = frame.source
        return self(frame.image, time_s=None if frame.path else frame.time_s, out=out)

    def set_resolution(self, share: float) -> None:
        """Let the network see fewer pixels, from the next frame on: faster, and larger strokes.

        Args:
            share: In (0, 1], of the sides. What it makes is enlarged, as at a larger style scale.
        """
        self.resolution = share

    def reset(self) -> None:
        """Forget the past, as at a scene cut."""
        self._stabiliser.reset()

    def _seen(self, size: tuple[int, int]) -> tuple[int, int]:
        share = self.resolution
        if share == 1:
            return size
        # The network takes no less; and a small frame is not made larger for it.
        least = min(*size, self._stylizer.manifest.frame.min_side)
        return max(least, round(size[0] * share)), max(least, round(size[1] * share))

    def _stylize(self, frame: Image, time_s: float | None, out: Image | None) -> Stylised:
        if time_s is None:
            self.reset()
            made = self._stylizer.stylize(frame, out=out)
        else:
            made = self._stabiliser.stylize(self._stylizer, frame, time_s=time_s, out=out)
        if self.watch is not None:
            self.watch.see(frame, made.statistics, time_s)
        return made
