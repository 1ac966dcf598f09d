from __future__ import annotations

import numpy as np
import pytest

from hsi.runtime.errors import FrameError
from hsi.runtime.frame import Frame


def test_frame_size_is_width_then_height() -> None:
    frame = Frame(image=np.zeros((4, 6, 3), np.uint8), number=0, time_s=0, source="x")
    assert frame.size == (6, 4)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 6, 3), np.float32),
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((0, 6, 3), np.uint8),
    ],
)
def test_frame_refuses_what_is_no_bgr_picture(
    image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> None:
    with pytest.raises(FrameError, match=r"frame 7 of clip must be \(H, W, 3\) uint8, got"):
        Frame(image=image, number=7, time_s=0, source="clip")
