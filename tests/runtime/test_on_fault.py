"""What outputs get when the network fails or the camera falls silent."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hsi.runtime.errors import EngineError
from hsi.runtime.event import EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.image_output import FolderOutput
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.run_options import OnFault, RunOptions
from hsi.runtime.run_summary import RunSummary
from hsi.runtime.source import open_source
from hsi.runtime.substitute import Substitute, captioned


class Keeper:
    name, thread_bound = "keeper", False

    def __init__(self) -> None:
        self.got: list[tuple[Frame, Image, float]] = []

    def write(self, frame: Frame, image: Image) -> None:
        self.got.append((frame, image.copy(), frame.age_s()))

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *reason: object) -> None:
        pass


def _fails_from(first: int, until: int = 10**9) -> Callable[[Frame], Image]:
    def stylize(frame: Frame) -> Image:
        if first <= frame.number < until:
            raise EngineError("out of memory")
        return np.full_like(frame.image, 200)

    return stylize


def _run(on_fault: OnFault, stylize: Callable[[Frame], Image]) -> tuple[Keeper, RunSummary]:
    keeper = Keeper()
    source = open_source("test://160x120@25?frames=10&realtime=0")
    feed = Feed(name="camera", sources=[source], stylize=stylize, outputs=[keeper])
    return keeper, run_feeds([feed], RunOptions(on_fault=on_fault))


def _top(image: Image) -> Image:
    return image[: image.shape[0] * 3 // 4]  # above the caption


def test_stop_ends_the_run_with_the_fault() -> None:
    with pytest.raises(EngineError, match="out of memory"):
        _run(OnFault.STOP, _fails_from(5))


def test_passthrough_shows_the_frame_itself_and_says_so() -> None:
    keeper, summary = _run(OnFault.PASSTHROUGH, _fails_from(5))
    assert [frame.stylised for frame, _, _ in keeper.got] == [True] * 5 + [False] * 5
    for frame, image, _ in keeper.got[5:]:
        assert (_top(image) == _top(frame.image)).all()
        assert (image != frame.image).any()  # the caption
    assert (summary.shown, summary.cameras["camera"].unstylised) == (10, 5)


def test_hold_shows_the_last_picture_again_with_its_age() -> None:
    keeper, summary = _run(OnFault.HOLD, _fails_from(5))
    assert [frame.repeated for frame, _, _ in keeper.got] == [False] * 5 + [True] * 5
    assert all((_top(image) == 200).all() for _, image, _ in keeper.got)
    assert {frame.number for frame, _, _ in keeper.got[5:]} == {4}
    assert [frame.time_s for frame, _, _ in keeper.got] == [n / 25 for n in range(10)]
    assert (summary.shown, summary.dropped["network_failed"]) == (5, 5)
    assert summary.cameras["camera"].repeated == 5


def test_pattern_shows_plain_grey() -> None:
    keeper, _ = _run(OnFault.PATTERN, _fails_from(5))
    assert len(np.unique(_top(keeper.got[-1][1]))) == 1
    assert not keeper.got[-1][0].stylised


def test_a_network_that_recovers_is_told_once() -> None:
    keeper, summary = _run(OnFault.HOLD, _fails_from(3, 6))
    assert [event.kind for event in summary.events] == [
        EventKind.NETWORK_FAILED,
        EventKind.NETWORK_RETURNED,
    ]
    assert keeper.got[-1][0].number == 9


@pytest.mark.parametrize("on_fault", [OnFault.HOLD, OnFault.STOP])
def test_a_silent_camera_is_bridged_until_it_returns(on_fault: OnFault) -> None:
    keeper = Keeper()
    inner = open_source("test://160x120@25?frames=20")

    class Pausing:
        name, live, fps, size, frame_count = "camera", True, 25.0, (160, 120), None

        def read(self, timeout_s: float) -> Frame | None:
            frame = inner.read(timeout_s)
            if frame is not None and frame.number == 10:
                time.sleep(2)
            return frame

        def close(self) -> None:
            pass

        def __enter__(self) -> Pausing:
            return self

        def __exit__(self, *reason: object) -> None:
            pass

    feed = Feed(
        name="camera", sources=[Pausing()], stylize=lambda frame: frame.image, outputs=[keeper]
    )
    summary = run_feeds([feed], RunOptions(on_fault=on_fault, stall_s=5))
    repeated = [(frame, age_s) for frame, _, age_s in keeper.got if frame.repeated]
    if on_fault is OnFault.STOP:
        assert repeated == []
        return
    assert 2 <= len(repeated) <= 8
    assert all(1 <= age_s < 3 for _, age_s in repeated)
    assert summary.captured == summary.shown + sum(summary.dropped.values())


def test_a_folder_keeps_the_good_picture(tmp_path: Path, make_frame: Callable[..., Frame]) -> None:
    with FolderOutput(tmp_path / "out") as output:
        output.write(make_frame(1), make_frame(1).image)
        before = (tmp_path / "out" / "clip-000001.png").read_bytes()
        output.write(make_frame(1, repeated=True), make_frame(5).image)
    assert (tmp_path / "out" / "clip-000001.png").read_bytes() == before


def test_before_the_first_picture_there_is_nothing_to_show() -> None:
    assert Substitute(OnFault.HOLD).repeat("camera silent") is None


@pytest.mark.parametrize("size", [(1, 1), (8, 4), (64, 48), (1920, 1080)])
def test_a_caption_fits_any_picture(size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    found = captioned(image, "no new picture: 12 s old")
    assert found.shape == image.shape
    assert (image == 128).all()
    assert (found != image).any()
