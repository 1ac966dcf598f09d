"""Real H.264 of which pictures or parts are taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
import pytest

from hsi.runtime.damage_watch import DamageWatch, watchful
from hsi.runtime.h264_numbers import H264Numbers

FPS = 25
KEY_EVERY = 10


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    """Forty pictures of two slices each, every tenth a key frame; a white square moves."""
    return [bytes(packet) for packet in _encoded("slices=2:sliced-threads=0")]


def _encoded(how: str) -> list[Any]:
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"keyint={KEY_EVERY}:scenecut=0:{how}",
    }
    found: list[Any] = []
    for number in range(40):
        image = np.zeros((240, 320, 3), np.uint8)
        image[90:150, 5 * number : 5 * number + 60] = 255
        picture = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format="yuv420p")
        picture.pts = number
        found += encoder.encode(picture)
    return [*found, *encoder.encode(None)]


def _without_slice(packet: bytes) -> bytes:
    """Return a picture without the last of its slices."""
    return packet[: packet.rindex(b"\0\0\1")].rstrip(b"\0")


def _whole(packets: Sequence[bytes], watch: DamageWatch, missing: Sequence[int] = ()) -> list[int]:
    """Return the numbers of the pictures that are taken for whole."""
    decoder: Any = av.CodecContext.create("h264", "r")
    watchful(decoder)
    found = []
    for number, data in enumerate(packets):
        if number in missing:
            continue
        packet = av.Packet(data)
        packet.pts, packet.time_base = number, Fraction(1, FPS)
        watch.note_packet(packet)
        try:
            pictures = decoder.decode(packet)
        except av.error.InvalidDataError:
            watch.note_damage(packet)
            continue
        found += [picture.pts for picture in pictures if watch.is_whole(picture)]
    return found


def test_an_undamaged_stream_is_whole(packets: list[bytes]) -> None:
    assert _whole(packets, DamageWatch(lossy=True, fps=FPS)) == list(range(40))


@pytest.mark.parametrize("damaged", [0, 10, 13])
def test_nothing_is_shown_from_a_picture_without_a_slice_up_to_the_next_key_frame(
    packets: list[bytes], damaged: int
) -> None:
    cut = [*packets]
    cut[damaged] = _without_slice(cut[damaged])
    next_key = (damaged // KEY_EVERY + 1) * KEY_EVERY
    expected = [n for n in range(40) if not damaged <= n < next_key]
    assert _whole(cut, DamageWatch(lossy=False)) == expected


@pytest.mark.parametrize("missing", [3, 23])
@pytest.mark.parametrize("fps", [FPS, None])
def test_nothing_is_shown_after_a_picture_that_never_came(
    packets: list[bytes], missing: int, fps: float | None
) -> None:
    next_key = (missing // KEY_EVERY + 1) * KEY_EVERY
    expected = [n for n in range(40) if not missing <= n < next_key]
    assert _whole(packets, DamageWatch(lossy=True, fps=fps), [missing]) == expected


@pytest.mark.parametrize("missing", [3, 23, 39])
def test_a_picture_that_never_came_is_missed_by_its_number(
    packets: list[bytes], missing: int
) -> None:
    watch = DamageWatch(lossy=False, numbers=H264Numbers())
    next_key = (missing // KEY_EVERY + 1) * KEY_EVERY
    expected = [n for n in range(40) if not missing <= n < next_key]
    assert _whole(packets, watch, [missing]) == expected


def test_where_pictures_are_reordered_none_is_shown_after_one_that_never_came() -> None:
    packets = _encoded("bframes=2:b-adapt=0")
    damaged = next(i for i, packet in enumerate(packets) if packet.pts == 13)
    decoder: Any = av.CodecContext.create("h264", "r")
    watchful(decoder)
    watch = DamageWatch(lossy=False, numbers=H264Numbers())
    found = []
    for packet in [*packets[:damaged], *packets[damaged + 1 :], av.Packet()]:
        watch.note_packet(packet)
        found += [picture.pts for picture in decoder.decode(packet) if watch.is_whole(picture)]
    assert not {*range(11, 20)} & {*found}
    assert {*range(9), *range(20, 40)} <= {*found}  # what was still held back may be lost


def test_pictures_are_missed_where_most_of_them_get_lost(packets: list[bytes]) -> None:
    missing = [n for n in range(1, 40, 2) if n != 21]
    found = _whole(packets, DamageWatch(lossy=True, fps=FPS), missing)
    assert found == [0, 10, 20, 21, 22, 30]


def test_a_camera_may_send_half_of_what_it_says(packets: list[bytes]) -> None:
    watch = DamageWatch(lossy=True, fps=FPS * 2)
    assert _whole(packets, watch)[-10:] == list(range(30, 40))


def test_a_camera_that_leaves_pictures_out_may_where_nothing_gets_lost(
    packets: list[bytes],
) -> None:
    found = _whole(packets, DamageWatch(lossy=False), [19])
    assert found == [n for n in range(40) if n != 19]


def test_a_missing_key_frame_is_noticed(packets: list[bytes]) -> None:
    expected = [n for n in range(40) if not 20 <= n < 30]
    assert _whole(packets, DamageWatch(lossy=True, fps=FPS), [20]) == expected


def test_decoding_holds_no_picture_back(packets: list[bytes]) -> None:
    decoder: Any = av.CodecContext.create("h264", "r")
    watchful(decoder)
    counts: list[int] = []
    note: Callable[[int], None] = counts.append
    for number, data in enumerate(packets[:5]):
        packet = av.Packet(data)
        packet.pts = number
        note(len(decoder.decode(packet)))
    assert counts == [1] * 5
