"""`hsi-run` inside a program: what it is given comes back, however it is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hsi.runtime
from hsi.runtime import Event, EventKind, LiveOptions, Pipeline, Shown
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.source import EndOfStream, SourceLost

CAMERA = "test://96x64@30"
Told = list[tuple[str, Any]]
pytestmark = pytest.mark.usefixtures("no_thread_is_left")


def _nothing(shown: Shown) -> None:
    pass


class Plain:
    """A camera of a program's own: black frames at their own pace, lost after `frames`."""

    name, live, size = "plain", True, (96, 64)
    fps: float | None = 100.0
    frame_count: int | None = None

    def __init__(self, frames: int = 10**9) -> None:
        self._left = frames
        self.closed = False

    def read(self, timeout_s: float) -> Frame | None:
        if not self._left:
            raise SourceLost("plain: pulled out")
        self._left -= 1
        time.sleep(0.01)
        image = np.zeros((64, 96, 3), np.uint8)
        return Frame(image=image, number=-self._left, time_s=time.monotonic(), source=self.name)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


class Kept:
    """An output of a program's own."""

    name, thread_bound = "kept", False

    def __init__(self) -> None:
        self.steps: list[str] = []

    def write(self, frame: Frame, image: Image) -> None:
        self.steps.append("written")
        assert image.shape == frame.image.shape

    def __enter__(self) -> Kept:
        self.steps.append("entered")
        return self

    def __exit__(self, *reason: object) -> None:
        self.steps.append("left")


def test_a_file_plays_to_its_end(inverter: Told, clip: Path) -> None:
    shown: list[Shown] = []
    with Pipeline(clip, style="great-wave", on_frame=shown.append) as line:
        assert line.wait()
        assert line.over
    assert [one.frame.number for one in shown] == list(range(20))
    assert [one.place for one in shown] == list(range(1, 21))
    for one in shown:  # a picture of its own each: nothing was written into it later
        assert np.array_equal(one.image, 255 - one.frame.image)
    assert line.summary is not None
    assert (line.summary.shown, line.summary.stopped) == (20, False)
    assert inverter[1] == ("style", ("great-wave", None))
    assert inverter[-1] == ("closed", None)


def test_leaving_ends_a_camera(inverter: Told) -> None:
    came = threading.Event()
    with Pipeline(CAMERA, on_frame=lambda shown: came.set()) as line:
        assert came.wait(20)
        assert not line.wait(timeout_s=0.01)
    assert line.summary is not None
    assert line.summary.stopped
    assert inverter[-1] == ("closed", None)


def test_a_fault_of_the_program_leaves_with_it(inverter: Told) -> None:
    with pytest.raises(ZeroDivisionError), Pipeline(CAMERA, on_frame=_nothing):
        _ = 1 // 0
    assert inverter[-1] == ("closed", None)


def test_a_fault_in_on_frame_ends_the_line_and_is_raised(inverter: Told) -> None:
    def broken(shown: Shown) -> None:
        raise ZeroDivisionError(f"at {shown.place}")

    with pytest.raises(ZeroDivisionError, match="at 1"), Pipeline(CAMERA, on_frame=broken) as line:
        line.wait()
    assert line.over
    assert inverter[-1] == ("closed", None)


def test_a_fault_in_on_event_does_too(inverter: Told) -> None:
    def broken(event: Event) -> None:
        raise ZeroDivisionError(event.kind.value)

    with (
        pytest.raises(ZeroDivisionError, match="connected"),
        Pipeline(CAMERA, on_frame=_nothing, on_event=broken) as line,
    ):
        line.wait()


def test_a_bad_source_is_told_on_entering(inverter: Told) -> None:
    line = Pipeline("none.mp4", on_frame=_nothing)
    with pytest.raises(SourceError, match=r"none.mp4: no such file or folder"):
        line.__enter__()
    assert line.over


def test_a_camera_of_ones_own_is_opened_again(inverter: Told) -> None:
    opened: list[Plain] = []
    events: list[Event] = []
    back = threading.Event()

    def camera() -> Plain:
        opened.append(Plain(frames=5))
        return opened[-1]

    def note(event: Event) -> None:
        events.append(event)
        if event.kind is EventKind.RETURNED:
            back.set()

    with Pipeline(camera, on_frame=_nothing, on_event=note):
        assert back.wait(20)
    assert len(opened) >= 2
    assert all(one.closed for one in opened)
    kinds = [event.kind for event in events[:3]]
    assert kinds == [EventKind.CONNECTED, EventKind.LOST, EventKind.RETURNED]
    assert events[1].subject == "plain"


def test_a_row_of_ones_own_pictures_is_no_camera(inverter: Told) -> None:
    class Row(Plain):
        live, frame_count = False, 3

        def read(self, timeout_s: float) -> Frame | None:
            try:
                return super().read(timeout_s)
            except SourceLost:
                raise EndOfStream from None

    kept = Kept()
    with Pipeline(lambda: Row(frames=3), outputs=[lambda: kept]) as line:
        line.wait()
    assert kept.steps == ["entered", *["written"] * 3, "left"]


def test_outputs_by_address_stand_beside_ones_own(
    inverter: Told, clip: Path, tmp_path: Path, read_video: Callable[..., Any]
) -> None:
    kept = Kept()
    with Pipeline(clip, outputs=[tmp_path / "out.mp4", lambda: kept]) as line:
        line.wait()
    assert len(read_video(tmp_path / "out.mp4")) == 20
    assert kept.steps.count("written") == 20


def test_each_camera_has_an_output_of_its_own(inverter: Told) -> None:
    outputs: list[Kept] = []

    def output() -> Kept:
        outputs.append(Kept())
        return outputs[-1]

    with Pipeline(Plain, Plain, outputs=[output], frames=3) as line:
        line.wait()
    assert [one.steps[-1] for one in outputs] == ["left", "left"]


def test_the_line_is_steered_while_it_plays(shipped: Path) -> None:
    came = threading.Event()
    with Pipeline(CAMERA, model=str(shipped), on_frame=lambda shown: came.set()) as line:
        assert came.wait(60)
        line.live.set_strength(0.0)
        line.live.set_style("starry-night")
        status = line.live.status()
        assert (status.strength, status.style) == (0.0, "starry-night")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({}, "pipeline: expected outputs or on_frame, found neither"),
        ({"on_frame": _nothing, "stability": 2.0}, "--stability: expected a number from 0 to 1"),
    ],
)
def test_wrong_options_are_told_at_once(words: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        Pipeline(CAMERA, **words)


def test_no_source_and_no_such_option() -> None:
    with pytest.raises(OptionError, match="no source: give a camera"):
        Pipeline(on_frame=_nothing)
    with pytest.raises(TypeError, match="strenght"):
        Pipeline(CAMERA, on_frame=_nothing, strenght=0.5)


def test_a_line_runs_once_and_is_entered_first(inverter: Told, clip: Path) -> None:
    line = Pipeline(clip, on_frame=_nothing)
    with pytest.raises(OptionError, match="pipeline: has not begun: enter it with `with` first"):
        _ = line.live
    with line:
        line.wait()
    with pytest.raises(OptionError, match="pipeline: has run already: make another one"), line:
        pass


def test_ones_own_camera_is_recorded_by_oneself(inverter: Told, tmp_path: Path) -> None:
    live = LiveOptions(record=str(tmp_path / "a.hsr"))
    line = Pipeline(Plain, on_frame=_nothing, live=live)
    with pytest.raises(OptionError, match="--record: expected the address of a camera, found Plai"):
        line.start()


def test_the_public_names_are_there() -> None:
    for name in hsi.runtime.__all__:
        assert hasattr(hsi.runtime, name)
    assert hsi.runtime.stream is hsi.runtime.FrameStream
