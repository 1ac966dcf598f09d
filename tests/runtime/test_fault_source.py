from __future__ import annotations

import time

import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.fault_source import Faults, FaultSource, split_faults
from hsi.runtime.frame import Frame
from hsi.runtime.source import CorruptFrame, EndOfStream, SourceLost, open_source

PLAIN = "test://64x48@100?realtime=0&frames=1000"


def _outcome(uri: str) -> tuple[list[Frame], int]:
    frames: list[Frame] = []
    corrupt = 0
    with open_source(uri) as source:
        while True:
            try:
                frame = source.read(0.1)
            except CorruptFrame:
                corrupt += 1
            except EndOfStream:
                return frames, corrupt
            else:
                frames += [frame] if frame else []


def test_faults_come_as_often_as_asked_for_and_the_same_every_time() -> None:
    frames, corrupt = _outcome(f"fault+{PLAIN}&drop=0.1&corrupt=0.2&seed=3")
    assert 850 < len(frames) + corrupt < 950
    assert 130 < corrupt < 230
    again, _ = _outcome(f"fault+{PLAIN}&drop=0.1&corrupt=0.2&seed=3")
    assert [frame.number for frame in again] == [frame.number for frame in frames]
    other, _ = _outcome(f"fault+{PLAIN}&drop=0.1&corrupt=0.2&seed=4")
    assert [frame.number for frame in other] != [frame.number for frame in frames]


def test_without_faults_every_frame_comes() -> None:
    frames, corrupt = _outcome(f"fault+{PLAIN}")
    assert (len(frames), corrupt) == (1000, 0)


def test_a_stall_hangs_whatever_the_time_limit_is() -> None:
    with open_source("fault+test://64x48@50?stall=500ms/200ms") as source:
        longest_s = 0.0
        until = time.monotonic() + 10
        while longest_s < 0.5 and time.monotonic() < until:
            begun = time.monotonic()
            source.read(0.05)
            longest_s = max(longest_s, time.monotonic() - begun)
    assert longest_s >= 0.5


def test_a_connection_breaks_after_its_time() -> None:
    with (
        open_source("fault+test://64x48@50?lose=200ms") as source,
        pytest.raises(SourceLost, match="the connection broke, as was asked for"),
    ):
        while True:
            source.read(0.1)


def test_the_size_changes_back_and_forth() -> None:
    with open_source("fault+test://64x48@50?resize=200ms") as source:
        assert source.size is None
        until = time.monotonic() + 1
        sizes = []
        while time.monotonic() < until:
            frame = source.read(0.1)
            sizes += [frame.size] if frame else []
    assert set(sizes) == {(64, 48), (32, 24)}
    assert sizes[0] == (64, 48)


def test_the_other_options_stay_with_the_source() -> None:
    uri, faults = split_faults("fault+rtsp://me:pw@camera/1?channel=2&drop=0.5&stall=5s/1m")
    assert uri == "rtsp://me:pw@camera/1?channel=2"
    assert faults == Faults(drop=0.5, stall_s=5, stall_every_s=60)


def test_the_name_holds_no_password_and_the_pattern_its_size() -> None:
    with pytest.raises(OptionError, match=r"fault\+rtsp://\*\*\*@camera"):
        split_faults("fault+rtsp://me:hunter2@camera/1?drop=x")
    source = open_source("fault+test://64x48@50?drop=0.1")
    assert isinstance(source, FaultSource)
    assert source.name == "fault+test://64x48@50?drop=0.1"
    assert source.live


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("drop=2", "drop must be a share from 0 to 1, got 2"),
        ("corrupt=often", "must be a number such as 0.02, got 'often'"),
        ("stall=5s", "stall in .* must be a time such as"),
        ("lose=soon", "lose in .* must be a time such as"),
        ("zoom=2", "unknown option 'zoom'"),
    ],
)
def test_malformed_faults_say_what_is_wrong(query: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        open_source(f"fault+test://64x48?{query}")
