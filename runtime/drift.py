"""How far a live scene is from the frames that a bundle was calibrated on."""

from __future__ import annotations

import logging
import math

import numpy as np

from hsi.runtime.drift_reference import DriftReference, Vectors, colour_quantiles
from hsi.runtime.frame import Image

log = logging.getLogger(__name__)

EDGE = 1.0
"""The drift at the edge of the calibration set."""

_OUTSIDE = 0.1  # share of statistics beyond their bounds at the edge
_SMOOTH_S = 1.0  # time constant: what passes by close to the camera is no other scene
_LEFT_S = 3.0  # so long beyond the edge until it is said
_BACK, _BACK_S = 0.8, 30.0  # so far inside for so long until it can be said again


class DriftGauge:
    """Compares frames with a calibration set, and says once when the scene has left it.

    The drift of a frame is the greater of two: the distance of its colours from the nearest frame
    of the set, and the share of its statistics beyond their bounds; each against what it is at the
    edge. Frames come from one thread.

    Args:
        reference: The set.
    """

    def __init__(self, reference: DriftReference) -> None:
        self._edge = reference.edge
        self._colours = np.array(reference.colours, np.float32)
        ranges = reference.statistics
        self._places = np.concatenate([one.start + np.arange(len(one.low)) for one in ranges])
        self._low = np.concatenate([one.low for one in ranges])
        self._high = np.concatenate([one.high for one in ranges])
        self._left = False
        self._due_s = 0.0  # for how long `_left` has been due to change
        self.value: float | None = None
        """The drift now, smoothed; None before the first frame. Any thread may read it."""

    def drift(self, frame: Image, statistics: Vectors) -> float:
        """The drift of one frame by itself.

        Args:
            frame: `(H, W, 3) uint8 BGR`.
            statistics: `(S,)`, those it was stylised with.
        """
        colours = colour_quantiles(frame).ravel()
        distance = float(np.abs(self._colours - colours).mean(1).min())
        used = statistics[self._places]
        outside = float(((used < self._low) | (used > self._high)).mean())
        return max(distance / self._edge, outside / _OUTSIDE)

    def follow(self, drift: float, passed_s: float) -> float:
        """Take the drift of the next frame in; the smoothed value comes back.

        Args:
            drift: From :meth:`drift`.
            passed_s: Seconds since the frame before.
        """
        share = 1 - math.exp(-passed_s / _SMOOTH_S)
        value = drift if self.value is None else self.value + share * (drift - self.value)
        self.value = value
        due = value < _BACK if self._left else value >= EDGE
        self._due_s = self._due_s + passed_s if due else 0.0
        if self._due_s >= (_BACK_S if self._left else _LEFT_S):
            self._left, self._due_s = not self._left, 0.0
            self._tell(value)
        return value

    def _tell(self, value: float) -> None:
        if self._left:
            log.warning(
                "the scene has left the frames this bundle was calibrated on (drift %.2f, their "
                "edge is 1): collect such frames with --collect DIR, then export again with "
                "--calib DIR",
                value,
            )
        else:
            log.info("the scene is back among the frames calibrated on (drift %.2f)", value)
