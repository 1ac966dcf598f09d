"""A line on an engine that is too slow for it, in earnest."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

import hsi.runtime
from hsi.runtime import EventKind, LiveOptions, Look, Policy, Stream
from hsi.runtime.arguments import Request
from hsi.runtime.frame import Frame, Image
from hsi.runtime.player import PlayResult, play
from hsi.runtime.stylizer import Stylised, Stylizer

LOWERED = EventKind.RESOLUTION_LOWERED.value


def _play(stop: threading.Event | None = None, **words: Any) -> PlayResult:
    request = Request(outputs=("null:",), look=Look(style_scale=None), stability=0, **words)
    return play(request, lambda progress: None, stop=stop or threading.Event())


@pytest.fixture
def stop() -> threading.Event:
    """Ends the run."""
    return threading.Event()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, stop: threading.Event) -> list[tuple[int, int]]:
    """Makes the network take 3 us a pixel more, as on a smaller machine; returns what it saw.

    The run ends as soon as that is less than at first.
    """
    seen: list[tuple[int, int]] = []
    stylize = Stylizer.stylize

    def slowly(self: Stylizer, frame: Image, **words: Any) -> Stylised:
        seen.append((frame.shape[1], frame.shape[0]))
        if seen[-1] < seen[0]:
            stop.set()
        time.sleep(frame.shape[0] * frame.shape[1] * 3e-6)
        return stylize(self, frame, **words)

    monkeypatch.setattr(Stylizer, "stylize", slowly)
    return seen


def test_an_overloaded_line_sees_fewer_pixels_and_says_so(
    slow: list[tuple[int, int]], stop: threading.Event
) -> None:
    result = _play(
        stop,
        sources=("test://320x240@30",),
        duration_s=20,
        live=LiveOptions(max_latency_s=0.15),
        verify=False,
    )
    summary = result.summary
    assert summary.event_counts[LOWERED] >= 1
    (event, *_) = [one for one in summary.events if one.kind is EventKind.RESOLUTION_LOWERED]
    assert event.subject == "test://320x240@30"
    assert event.detail.startswith("from 100% to ")
    assert event.detail.endswith(" ms at a limit of 150 ms")
    assert slow[0] == (320, 240)
    assert slow[-1][0] < 320
    assert abs(slow[-1][0] / slow[-1][1] - 4 / 3) < 0.05


def test_a_file_that_waits_keeps_its_pixels(inverter: Any, clip: Any) -> None:
    summary = _play(
        sources=(str(clip),), policy=Policy.EVERY, live=LiveOptions(max_latency_s=1e-6)
    ).summary
    assert (summary.shown, summary.event_counts) == (20, {})


def test_a_stream_sees_a_share_of_the_sides(photo: Image) -> None:
    with hsi.runtime.load(engine="onnxruntime-cpu", threads=1, verify=False) as stylizer:
        stream = Stream(stylizer, stability=0)
        frame = Frame(image=photo, number=0, time_s=0.0, source="a")
        whole = stream.play(frame)
        stream.set_resolution(0.25)
        small = stream.play(frame)
        assert small.shape == whole.shape
        assert 1 < np.abs(small.astype(int) - whole).mean() < 60
        stream.set_resolution(0.01)  # no less than the network takes
        assert stream.play(frame).shape == whole.shape
        stream.set_resolution(1.0)
        assert np.array_equal(stream.play(frame), whole)
