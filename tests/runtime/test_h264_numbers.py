"""Numbers of pictures in real H.264."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from hsi.runtime.h264_numbers import H264Numbers, numbers_of

PICTURES = 40


def _encoded(
    how: str = "", profile: str = "baseline", *, headers_apart: bool = False
) -> tuple[list[bytes], bytes]:
    """Return forty packets, the first a key frame, and the parameter sets beside them."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(25), Fraction(1, 25)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": profile}
    encoder.options = {**encoder.options, "x264-params": f"keyint=100:threads=1:{how}"}
    if headers_apart:
        encoder.flags |= av.codec.context.Flags.global_header
    found = []
    for number in range(PICTURES):
        grey = np.full((64, 64, 3), 3 * number, np.uint8)
        picture = av.VideoFrame.from_ndarray(grey, "rgb24").reformat(format="yuv420p")
        picture.pts = number
        found += [bytes(packet) for packet in encoder.encode(picture)]
    found += [bytes(packet) for packet in encoder.encode(None)]
    return found, encoder.extradata or b""


def _gaps(packets: Sequence[bytes], numbers: H264Numbers) -> list[int]:
    return [place for place, data in enumerate(packets) if numbers.misses_one(data)]


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
@pytest.mark.parametrize(
    "how", ["slices=3:sliced-threads=0", "bframes=3:b-pyramid=normal", "aud=1"]
)
def test_a_whole_stream_has_no_gaps(profile: str, how: str) -> None:
    packets, _ = _encoded(how, profile)
    assert _gaps(packets, H264Numbers()) == []


@pytest.mark.parametrize("profile", ["baseline", "high"])
@pytest.mark.parametrize("missing", [1, 15, 16, 38])
def test_a_gap_is_told_by_the_picture_after_it(profile: str, missing: int) -> None:
    packets, _ = _encoded("slices=2:sliced-threads=0", profile)
    del packets[missing]
    assert _gaps(packets, H264Numbers()) == [missing]


def test_a_gap_inside_what_passes_for_one_picture_is_told() -> None:
    packets, _ = _encoded("aud=1")
    delimiter = packets[5][: packets[5].index(b"\0\0\1", 4)]  # all that came of picture 5
    packets[5:7] = [delimiter + packets[6]]
    assert _gaps(packets, H264Numbers()) == [5]


def test_parameter_sets_may_come_beside_the_stream() -> None:
    packets, extradata = _encoded(headers_apart=True)
    del packets[7]
    assert _gaps(packets, H264Numbers()) == []
    assert _gaps(packets, H264Numbers(extradata)) == [7]


def test_lengths_in_place_of_start_codes_say_nothing() -> None:
    numbers = H264Numbers(b"\1\x64\0\x1f")
    packets, _ = _encoded()
    del packets[7]
    assert _gaps(packets, numbers) == []


@pytest.mark.parametrize(("last_field", "gaps"), [(0b0_0001_000, [7]), (0b1_0001_000, [])])
def test_a_stream_that_says_it_leaves_numbers_out_may(last_field: int, gaps: list[int]) -> None:
    packets, _ = _encoded()
    del packets[7]
    # Baseline, with 4 bits of number, order type 2, one reference picture: as x264 sends them but
    # for the last, whether gaps are allowed.
    parameters = b"\0\0\1\x67\x42\xc0\x0a" + bytes([0b11_011_010, last_field])
    start = packets[0].index(b"\0\0\1\x68")
    packets[0] = parameters + packets[0][start:]
    assert _gaps(packets, H264Numbers()) == gaps


def test_a_camera_that_counts_in_a_way_of_its_own_is_believed_no_more() -> None:
    packets, _ = _encoded()
    found: list[bool] = []
    numbers = H264Numbers()
    for _ in range(15):  # keys that tell nothing of it, and pictures of which every other is absent
        found += [numbers.misses_one(data) for data in packets[::2]]
    assert sum(found) == 199
    assert not any(found[-50:])


def test_garbage_says_nothing_or_something_and_raises_nothing() -> None:
    _, extradata = _encoded(headers_apart=True)
    chance = random.Random(0)
    numbers = H264Numbers(extradata)
    for _ in range(200):
        kind = bytes([chance.choice([0x21, 0x65, 0x67, 0x68])])
        numbers.misses_one(b"\0\0\1" + kind + chance.randbytes(chance.randrange(20)))
    numbers.misses_one(b"\0\0\1")


def test_other_codecs_have_none() -> None:
    assert numbers_of(av.CodecContext.create("mjpeg", "r")) is None
    assert numbers_of(av.CodecContext.create("h264", "r")) is not None
