from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hsi.runtime.checks import checked_buffer, checked_frame, checked_share, checked_statistics
from hsi.runtime.errors import FrameError, OptionError
from hsi.runtime.manifest import FrameContract

CONTRACT = FrameContract(min_side=64, max_side=512, stride=8, receptive_field=95)


def _zeros(*shape: int, dtype: Any = np.uint8) -> Any:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (
            _zeros(64, 64, 3, dtype=np.float32),
            "expected a NumPy array of uint8, found float32: con",
        ),
        (_zeros(64, 64, 3, dtype=np.int8), "expected a NumPy array of uint8, found int8"),
        (_zeros(64, 64, 3, dtype=np.uint16), "expected a NumPy array of uint8, found uint16"),
        (_zeros(64, 64, 3, dtype=bool), "expected a NumPy array of uint8, found bool"),
        ([[[0, 0, 0]]], "expected a NumPy array of uint8, found list"),
        (None, "expected a NumPy array of uint8, found NoneType"),
        (_zeros(64, 64), r"expected \(H, W, 3\) BGR, found shape \(64, 64\)"),
        (_zeros(1, 64, 64, 3), r"expected \(H, W, 3\) BGR, found shape \(1, 64, 64, 3\)"),
        (_zeros(64, 64, 4), r"expected \(H, W, 3\) BGR, found shape \(64, 64, 4\)"),
        (_zeros(64, 64, 1), r"expected \(H, W, 3\) BGR, found shape \(64, 64, 1\)"),
        (_zeros(3, 64, 64), r"expected \(H, W, 3\) BGR, found shape \(3, 64, 64\)"),
        (_zeros(0, 64, 3), r"expected pixels, found none: shape \(0, 64, 3\)"),
        (_zeros(64, 0, 3), r"expected pixels, found none: shape \(64, 0, 3\)"),
        (_zeros(63, 64, 3), "expected sides from 64 to 512 pixels, found 64x63: resize it"),
        (_zeros(64, 1, 3), "expected sides from 64 to 512 pixels, found 1x64: resize it"),
        (_zeros(513, 64, 3), "expected sides from 64 to 512 pixels, found 64x513: resize it"),
    ],
)
def test_a_bad_frame(frame: Any, match: str) -> None:
    with pytest.raises(FrameError, match="frame: " + match):
        checked_frame(frame, CONTRACT)


def test_a_contiguous_frame_is_not_copied() -> None:
    frame = _zeros(64, 512, 3)
    frame.setflags(write=False)
    assert checked_frame(frame, CONTRACT) is frame


@pytest.mark.parametrize("view", ["cropped", "mirrored", "transposed", "channels last"])
def test_a_frame_that_is_not_contiguous_is_copied(view: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 100, 110, 3)).astype(np.uint8)
    frame = {
        "cropped": noise[0, 5:80, 7:90],
        "mirrored": noise[0, :, ::-1],
        "transposed": noise[0].transpose(1, 0, 2),
        "channels last": noise[..., 0].transpose(1, 2, 0),
    }[view]
    assert not frame.flags.c_contiguous
    checked = checked_frame(frame, CONTRACT)
    assert checked.flags.c_contiguous
    assert np.array_equal(checked, frame)


FRAME = np.zeros((64, 80, 3), np.uint8)
FROZEN = np.zeros((64, 80, 3), np.uint8)
FROZEN.setflags(write=False)


@pytest.mark.parametrize(
    ("out", "match"),
    [
        (
            _zeros(64, 80, 3, dtype=np.float32),
            r"uint8 of shape \(64, 80, 3\), found float32 of sha",
        ),
        (_zeros(80, 64, 3), r"uint8 of shape \(64, 80, 3\), found uint8 of shape \(80, 64, 3\)"),
        (_zeros(64, 80), r"found uint8 of shape \(64, 80\)"),
        ([0], "found list"),
        (b"\0" * FRAME.size, "found bytes"),
        (_zeros(64, 160, 3)[:, ::2], "expected a writeable C-contiguous buffer, found another"),
        (FROZEN, "expected a writeable C-contiguous buffer, found another: allocate one"),
        (FRAME, "expected a buffer apart from the frame, found one that overlaps it"),
    ],
)
def test_a_bad_buffer(out: Any, match: str) -> None:
    with pytest.raises(FrameError, match="out: .*" + match):
        checked_buffer(out, FRAME)


def test_a_good_buffer_is_handed_through() -> None:
    out = np.empty_like(FRAME)
    assert checked_buffer(out, FRAME) is out


@pytest.mark.parametrize(
    ("statistics", "match"),
    [
        (
            _zeros(4, dtype=np.float32),
            r"expected 3 numbers from an earlier result, found shape \(4",
        ),
        (_zeros(1, 3, dtype=np.float32), r"found shape \(1, 3\)"),
        ([1, 2], r"found shape \(2,\)"),
        ([1, 2, float("nan")], "expected finite numbers, found NaN or infinity"),
        ([1, 2, 1e300], "expected finite numbers, found NaN or infinity"),
        (["a", "b", "c"], "expected 3 numbers from an earlier result, found list"),
        ({}, "expected 3 numbers from an earlier result, found dict"),
    ],
)
def test_bad_statistics(statistics: Any, match: str) -> None:
    with pytest.raises(FrameError, match="statistics: .*" + match):
        checked_statistics(statistics, 3)


def test_good_statistics_are_not_copied() -> None:
    statistics = np.arange(3, dtype=np.float32)
    assert checked_statistics(statistics, 3) is statistics
    assert checked_statistics(statistics.astype(np.float64), 3).dtype == np.float32


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf"), None, "1", [1], 1j])
def test_a_share_outside_0_to_1(value: Any) -> None:
    with pytest.raises(OptionError, match=r"strength must lie in \[0, 1\], got "):
        checked_share(value, "strength")


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.25), True])
def test_a_share_is_a_plain_float(value: Any) -> None:
    assert type(checked_share(value, "strength")) is float
