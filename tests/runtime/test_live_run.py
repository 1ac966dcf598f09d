"""A run looked at and steered from beside the line, with the shipped bundle."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hsi.runtime import Look, Region
from hsi.runtime.camera_state import CameraState
from hsi.runtime.errors import EngineError, OptionError, SourceError
from hsi.runtime.event import Event, EventKind
from hsi.runtime.live_arguments import LiveOptions

LivePlays = Callable[..., Any]
CAMERA = "test://96x64@30"


@pytest.fixture
def live(live_play: LivePlays) -> Any:
    return live_play().live


def _wait_for(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_status_tells_how_each_camera_is(live: Any) -> None:
    _wait_for(lambda: live.status().cameras[0].shown > 5)
    status = live.status()
    one = status.camera(CAMERA)
    assert (status.model, status.precision, status.style) == ("hsi-edge", "fp32", "starry-night")
    assert status.styles == (("starry-night", 1.0),)
    assert (one.state, one.size) == (CameraState.RUNNING, (96, 64))
    assert one.captured == one.shown + sum(one.dropped.values()) + one.waiting
    assert one.shown_fps > 0
    assert one.stages["infer"].p50_ms <= one.stages["infer"].p95_ms <= one.stages["infer"].p99_ms
    assert one.last_frame_age_s is not None
    assert one.last_frame_age_s < 10


def test_a_status_is_plain_json(live: Any) -> None:
    live.set_protect((Region(x=0, y=0, width=10, height=10),))
    found = json.loads(json.dumps(live.status().as_dict()))
    assert found["cameras"][0]["look"]["protect"] == ["0,0,10,10"]
    assert found["cameras"][0]["name"] == CAMERA


def test_every_field_of_a_status_is_in_its_json(live: Any) -> None:
    status = live.status()
    assert status.as_dict().keys() == vars(status).keys()
    assert status.cameras[0].as_dict().keys() == vars(status.cameras[0]).keys()


def test_at_strength_zero_the_output_is_the_input(live: Any) -> None:
    before = live.newest(CAMERA, timeout_s=20)
    assert (before.image != before.frame.image).mean() > 0.5
    live.set_strength(0.0)
    _wait_for(lambda: (lambda s: (s.image == s.frame.image).all())(live.newest(CAMERA)))
    assert live.status().strength == 0


def test_a_style_holds_from_a_frame_on_and_is_an_event(live: Any) -> None:
    told: queue.Queue[Event] = queue.Queue()
    live.subscribe(told.put)
    live.set_style([("great-wave", 0.75), ("starry-night", 0.25)])
    assert live.status().style == "great-wave+starry-night"
    assert live.status().styles == (("great-wave", 0.75), ("starry-night", 0.25))
    events: list[Event] = []
    while EventKind.STYLE_CHANGED not in [event.kind for event in events]:
        events.append(told.get(timeout=20))
    assert str(events[-1]) == "style: style changed: great-wave+starry-night"


def test_the_later_of_two_styles_wins_however_long_the_first_takes(
    live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, slow = live._stylizer.encode_style, threading.Event()

    def encode_slowly(style: Any) -> Any:
        if style == "great-wave":
            assert slow.wait(20)
        return encode(style)

    monkeypatch.setattr(live._stylizer, "encode_style", encode_slowly)
    first = threading.Thread(target=live.set_style, args=("great-wave",))
    first.start()
    live.set_style("starry-night")
    slow.set()
    first.join()
    assert live.status().style == "starry-night"


@pytest.mark.parametrize(
    ("style", "error", "message"),
    [
        ("nobody", OptionError, "expected a picture or one of"),
        ([("great-wave", -1.0), ("starry-night", 1.0)], OptionError, "weights must be 0 or more"),
        ([], OptionError, "weights must be 0 or more"),
        (7, OptionError, "style: expected"),
        ("/", SourceError, "cannot be read"),
    ],
)
def test_what_is_no_style_changes_nothing(
    live: Any, style: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        live.set_style(style)
    assert live.status().styles == (("starry-night", 1.0),)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "x"])
def test_shares_lie_between_0_and_1(live: Any, value: Any) -> None:
    with pytest.raises(OptionError, match=r"strength must lie in \[0, 1\]"):
        live.set_strength(value)
    with pytest.raises(OptionError, match=r"stability must lie in \[0, 1\]"):
        live.set_stability(value)


def test_stability_can_be_switched_off_and_on_while_frames_come(live: Any) -> None:
    for value in (0.0, 0.9) * 20:
        live.set_stability(value)
        time.sleep(0.01)
    assert live.status().stability == 0.9
    before = live.status().cameras[0].shown
    _wait_for(lambda: live.status().cameras[0].shown > before + 3)
    assert "network failed" not in live.status().event_counts


def test_a_protected_part_is_the_frame_itself(live: Any) -> None:
    live.set_look(Look(keep_colour=True))
    live.set_protect([Region(x=8, y=4, width=40, height=30)], CAMERA)
    place = live.newest(CAMERA, timeout_s=20).place
    shown = live.newest(CAMERA, after=place + 3, timeout_s=20)
    assert (shown.image[4:34, 8:48] == shown.frame.image[4:34, 8:48]).all()
    assert (shown.image != shown.frame.image).any()
    assert live.status().cameras[0].look.keep_colour


def test_a_rectangle_outside_the_frame_is_refused(live: Any) -> None:
    _wait_for(lambda: live.status().cameras[0].size)
    with pytest.raises(OptionError, match="inside the frame of 96x64"):
        live.set_protect([Region(x=80, y=0, width=40, height=30)])
    assert live.status().cameras[0].look.protect == ()


def test_pictures_come_in_order_and_stay_as_they_are(live: Any) -> None:
    shown = [live.newest(CAMERA, timeout_s=20)]
    kept = [shown[0].image.copy()]
    for _ in range(4):
        shown.append(live.newest(CAMERA, shown[-1].place, 20))
        kept.append(shown[-1].image.copy())
    places = [one.place for one in shown]
    assert places == sorted(set(places))
    assert all((one.image == copy).all() for one, copy in zip(shown, kept, strict=True))
    assert shown[0].image.shape == shown[0].frame.image.shape == (64, 96, 3)


def test_cameras_have_their_own_pictures_and_look(live_play: LivePlays) -> None:
    sources = ("test://96x64@30", "test://128x96@30", "test://96x64@30")
    live = live_play(sources=sources).live
    assert live.cameras == (sources[0], sources[1], f"{sources[0]} #3")
    assert live.newest(sources[1], timeout_s=20).image.shape == (96, 128, 3)
    live.set_look(Look(keep_colour=True), sources[1])
    looks = [one.look.keep_colour for one in live.status().cameras]
    assert looks == [False, True, False]


@pytest.mark.parametrize(
    "ask",
    [
        lambda live: live.newest("other"),
        lambda live: live.set_look(Look(), "other"),
        lambda live: live.start_recording("other", Path("a.mp4")),
        lambda live: live.stop_recording("other"),
    ],
)
def test_an_unknown_camera_is_refused(live: Any, ask: Callable[[Any], object]) -> None:
    with pytest.raises(OptionError, match=f"camera 'other': expected one of {CAMERA}"):
        ask(live)


def test_a_camera_that_is_not_there_has_no_picture_and_tells_no_password(
    live_play: LivePlays,
) -> None:
    address = "rtsp://me:hunter2@127.0.0.1:1/live"
    live = live_play(sources=(address,), live=LiveOptions(reconnect=True)).live
    with pytest.raises(OptionError, match=r"rtsp://\*\*\*@.*: expected a picture, found none"):
        live.snapshot(live.cameras[0])
    _wait_for(lambda: live.status().cameras[0].state is CameraState.MISSING)
    assert "hunter2" not in json.dumps(live.status().as_dict())


def test_a_recording_begins_and_ends_while_the_camera_plays(
    live: Any, tmp_path: Path, read_video: Callable[..., Any]
) -> None:
    path = tmp_path / "some.mp4"
    live.start_recording(CAMERA, path)
    assert live.status().cameras[0].recording == str(path)
    begun = live.status().cameras[0].shown
    _wait_for(lambda: live.status().cameras[0].shown > begun + 10)
    assert live.stop_recording(CAMERA) == path
    assert live.status().cameras[0].recording is None
    assert len(read_video(path)) > 3
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OptionError, match="is not recorded"):
        live.stop_recording(CAMERA)


def test_a_recording_that_goes_on_to_the_end_is_whole(
    live_play: LivePlays, tmp_path: Path, read_video: Callable[..., Any]
) -> None:
    played = live_play()
    played.live.start_recording(CAMERA, tmp_path / "some.mkv")
    _wait_for(lambda: played.live.status().cameras[0].shown > 5)
    result = played.end()
    assert result.summary.captured > 5
    assert read_video(tmp_path / "some.mkv")


@pytest.mark.parametrize(
    ("name", "message"),
    [("some.gif", "expected a video's name"), ("there.mp4", "is there already")],
)
def test_a_recording_spoils_no_file(live: Any, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "there.mp4").touch()
    with pytest.raises(OptionError, match=message):
        live.start_recording(CAMERA, tmp_path / name)
    live.start_recording(CAMERA, tmp_path / "a.mp4")
    with pytest.raises(OptionError, match=r"is recorded to .*a\.mp4 already"):
        live.start_recording(CAMERA, tmp_path / "b.mp4")


def test_an_end_leaves_no_thread_and_no_way_in(live_play: LivePlays, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    played = live_play()
    played.live.subscribe(lambda event: None)
    assert played.end() is not None
    _wait_for(lambda: set(threading.enumerate()) <= before)
    picture = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / "new.png"), picture)
    with pytest.raises(EngineError, match="is closed"):
        played.live.set_style(str(tmp_path / "new.png"))


def test_a_listener_that_hangs_or_fails_keeps_nobody_waiting(
    live: Any, caplog: pytest.LogCaptureFixture
) -> None:
    hang, told = threading.Event(), queue.Queue[Event]()

    def fail(event: Event) -> None:
        raise RuntimeError("no")

    live.subscribe(lambda event: hang.wait(20))
    live.subscribe(fail)
    end = live.subscribe(told.put)
    live.set_style("great-wave")
    while told.get(timeout=20).kind is not EventKind.STYLE_CHANGED:
        pass
    end()
    hang.set()
    _wait_for(lambda: "a listener failed" in caplog.text)


def test_a_prepared_style_is_not_in_use_and_not_encoded_again(
    live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.prepare_style("tableau-no-2")
    assert live.status().style == "starry-night"

    def encode(*words: Any) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(type(live._stylizer._engine), "encode_style", encode)
    live.set_style("tableau-no-2")
    assert live.status().style == "tableau-no-2"
    with pytest.raises(OptionError, match="'nobody': expected a picture or one of"):
        live.prepare_style("nobody")
