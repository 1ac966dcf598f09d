from __future__ import annotations

import time

import numpy as np
import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.pattern_source import PatternSource
from hsi.runtime.source import EndOfStream


def test_address_gives_size_rate_and_length() -> None:
    source = PatternSource("test://321x123@12.5?frames=7&realtime=0")
    assert (source.size, source.fps, source.frame_count) == ((321, 123), 12.5, 7)
    assert not source.live


def test_address_may_be_empty() -> None:
    source = PatternSource("test://")
    assert (source.size, source.fps, source.frame_count) == ((1280, 720), 30.0, None)
    assert source.live


def test_it_moves_and_ends() -> None:
    source = PatternSource("test://320x240@30?frames=2&realtime=0")
    first, second = source.read(1), source.read(1)
    assert first is not None
    assert second is not None
    assert first.image.shape == (240, 320, 3)
    assert second.time_s == pytest.approx(1 / 30)
    assert np.any(first.image != second.image)
    with pytest.raises(EndOfStream, match="test://"):
        source.read(1)


@pytest.mark.parametrize("size", ["1x1", "17x2", "2x999"])
def test_tiny_patterns_can_be_drawn(size: str) -> None:
    frame = PatternSource(f"test://{size}@30?realtime=0").read(1)
    assert frame is not None


def test_frames_come_at_their_moment() -> None:
    source = PatternSource("test://64x48@20")
    started = time.monotonic()
    assert source.read(1) is not None
    assert source.read(0.001) is None
    assert source.read(1) is not None
    assert 0.045 < time.monotonic() - started < 0.5


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("test://640@30", "must be WIDTHxHEIGHT such as 1280x720, got '640'"),
        ("test://640x480@fast", "expected test://WIDTHxHEIGHT@FPS, got '640x480@fast'"),
        ("test://640x480@0", "frames a second must be up to 1000, got 0"),
        ("test://640x480?frames=0", "frames must be a positive whole number, got '0'"),
        ("test://640x480?frames=ten", "frames must be a positive whole number, got 'ten'"),
        ("test://640x480?realtime=no", "realtime must be 0 or 1, got 'no'"),
        ("test://640x480?colour=red", "unknown option 'colour'"),
    ],
)
def test_a_malformed_address_says_what_is_wrong(uri: str, message: str) -> None:
    with pytest.raises(OptionError, match=message.replace("?", r"\?")):
        PatternSource(uri)
