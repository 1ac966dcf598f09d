"""How pictures of one scene change along the motion of that scene."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
_WINDOW = (15, 15)


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """Where every pixel of a frame was in the frame before."""

    places: npt.NDArray[np.float32]  # (H, W, 2), x and y in the frame before
    seen: npt.NDArray[np.bool_]  # (H, W), False where it was hidden or outside, or none can tell
    still: npt.NDArray[np.bool_]  # (H, W), True where the scene stands still

    def change(self, before: Image, after: Image, *, still_only: bool = False) -> float:
        """Mean difference of two pictures along the motion, in grey levels, where seen."""
        # A softer kernel would blur what moves, and count that as flicker.
        moved = _moved(before, self.places)
        where = self.seen & self.still if still_only else self.seen
        return float(cv2.absdiff(moved, after)[where].mean()) if where.any() else float("nan")


def motions(frames: Sequence[Image]) -> list[Motion]:
    """The motion from each frame to the next, by DIS flow there and back."""
    greys = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in frames]
    return [_motion(a, b) for a, b in itertools.pairwise(greys)]


def _motion(before: Any, after: Any) -> Motion:
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    height, width = after.shape
    here = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    back = flow.calc(after, before, np.zeros_like(here))
    forth = flow.calc(before, after, np.zeros_like(here))
    # Noise is no motion: where standing still explains the frame as well as the flow, it stands.
    alone = _blurred_change(before, after)
    along = _blurred_change(_moved(before, here + back), after)
    still = alone <= 1.1 * along + 0.5
    returned = _moved(forth, here + back, cv2.INTER_LINEAR)
    length = (back**2).sum(-1) + (returned**2).sum(-1)
    seen = ((back + returned) ** 2).sum(-1) < 0.01 * length + 0.5
    places = np.where(still[..., None], here, here + back)
    inside = (places >= 0).all(-1) & (places <= (width - 1, height - 1)).all(-1)
    return Motion(places=places, seen=(seen | still) & inside, still=still)


def _moved(before: Any, places: Any, kernel: int = cv2.INTER_LANCZOS4) -> Any:
    return cv2.remap(before, places, np.empty((0, 0), np.float32), kernel)


def _blurred_change(first: Any, second: Any) -> Any:
    return cv2.blur(cv2.absdiff(first, second).astype(np.float32), _WINDOW)
