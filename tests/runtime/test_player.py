from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hsi.runtime.arguments import Request
from hsi.runtime.errors import BundleError, OptionError, OutputError, SourceError
from hsi.runtime.frame import Image
from hsi.runtime.look import Look
from hsi.runtime.player import PlayResult, play
from hsi.runtime.region import Region
from hsi.runtime.run_options import Policy
from hsi.runtime.styles import DEFAULT_STYLE
from hsi.runtime.trt.options import TensorRtOptions

Told = list[tuple[str, Any]]


def _play(*sources: str | Path, **options: Any) -> PlayResult:
    options.setdefault("outputs", ("null:",))
    request = Request(sources=tuple(map(str, sources)), **options)
    return play(request, lambda progress: None, stop=threading.Event())


def _picture(path: Path) -> Image:
    image = cv2.imread(str(path))
    assert image is not None
    return np.asarray(image, np.uint8)


def test_a_video_becomes_a_video_of_its_own_size_and_rate(
    inverter: Told, clip: Path, tmp_path: Path, read_video: Callable[..., Any]
) -> None:
    result = _play(clip, outputs=(str(tmp_path / "out.mp4"),))
    found = read_video(tmp_path / "out.mp4")
    assert [round((255 - float(image.mean())) / 11) for _, image in found] == list(range(20))
    assert [time_s for time_s, _ in found] == pytest.approx([n / 25 for n in range(20)], abs=1e-3)
    assert found[0][1].shape == (64, 96, 3)
    assert (result.engine, result.summary.shown) == ("inverter", 20)
    assert inverter[-1] == ("closed", None)


def test_videos_play_one_after_another_into_one(
    inverter: Told, clip: Path, tmp_path: Path, read_video: Callable[..., Any]
) -> None:
    result = _play(clip, clip, outputs=(str(tmp_path / "out.mp4"),))
    assert result.summary.sources == (str(clip), str(clip))
    assert len(read_video(tmp_path / "out.mp4")) == 40


def test_pictures_become_pictures_of_their_names(
    inverter: Told, make_picture: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_picture("in/a.jpg", 1).parent
    make_picture("in/b.png", 2, (32, 48))
    _play(folder, outputs=(f"{tmp_path}/out/",))
    found = {path.name: _picture(path) for path in (tmp_path / "out").iterdir()}
    assert sorted(found) == ["a.png", "b.png"]
    assert found["b.png"].shape == (48, 32, 3)
    assert (found["b.png"] == 255 - 22).all()


def test_one_picture_becomes_one_picture(
    inverter: Told, make_picture: Callable[..., Path], tmp_path: Path
) -> None:
    _play(make_picture("a.png"), outputs=(str(tmp_path / "b.png"),))
    assert (_picture(tmp_path / "b.png") == 255 - 11).all()


def test_the_engine_and_the_bundle_are_passed_on(inverter: Told, clip: Path) -> None:
    told = {
        "engine": "cpu",
        "threads": 2,
        "verify": False,
        "tensorrt": TensorRtOptions(max_size=(640, 480)),
        "tile": 512,
    }
    _play(clip, model="m.hsi", **told)
    assert inverter[0] == ("load", ("m.hsi", told))


@pytest.mark.parametrize(
    ("styles", "expected"),
    [
        ((), DEFAULT_STYLE),
        ((("a.jpg", 1.0),), "a.jpg"),
        ((("a.jpg", 0.7), ("b.jpg", 0.3)), (("a.jpg", 0.7), ("b.jpg", 0.3))),
    ],
)
def test_the_style_is_set(inverter: Told, clip: Path, styles: Any, expected: Any) -> None:
    _play(clip, styles=styles, strength=0.5)
    assert inverter[1] == ("style", (expected, 0.5))


def test_limits_and_size_are_passed_on(
    inverter: Told, clip: Path, tmp_path: Path, read_video: Callable[..., Any]
) -> None:
    result = _play(clip, outputs=(f"{tmp_path}/a.mp4",), frames=5, size=(64, 32))
    assert result.summary.shown == 5
    assert read_video(tmp_path / "a.mp4")[0][1].shape == (32, 64, 3)
    assert _play(clip, duration_s=0.2).summary.shown == 5


def test_the_policy_is_passed_on(inverter: Told, clip: Path) -> None:
    assert _play(clip, policy=Policy.LATEST).summary.elapsed_s > 0.7


def test_a_region_outside_the_frame_is_found_before_the_work(inverter: Told, clip: Path) -> None:
    look = Look(protect=(Region(x=90, y=0, width=7, height=9),))
    with pytest.raises(
        OptionError, match="--protect: expected a rectangle inside the frame of 96x"
    ):
        _play(clip, look=look)
    assert inverter == []
    assert _play(clip, look=look, size=(100, 64)).summary.shown == 20


def test_the_look_is_applied(
    inverter: Told, make_picture: Callable[..., Path], tmp_path: Path
) -> None:
    look = Look(protect=(Region(x=50, y=0, width=50, height=100, percent=True),))
    _play(make_picture("a.png"), outputs=(str(tmp_path / "b.png"),), look=look)
    found = _picture(tmp_path / "b.png")
    assert (found[:, :48] == 255 - 11).all()
    assert (found[:, 48:] == 11).all()


def test_a_missing_later_source_is_found_before_the_work(inverter: Told, clip: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.mp4: no such file"):
        _play(clip, "gone.mp4")
    assert inverter == []


def test_an_endless_source_has_no_files_beside_it(inverter: Told, clip: Path) -> None:
    with pytest.raises(OptionError, match=r"test://64x48: files play one after another"):
        _play("test://64x48", clip)
    result = _play("test://64x48@500?frames=3", clip)
    assert result.summary.captured == 23


def test_a_single_picture_for_many_frames_is_refused_before_the_work(
    inverter: Told, clip: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=r"b\.png: holds one picture, but the source has 20 fr"):
        _play(clip, outputs=(f"{tmp_path}/b.png",))
    _play(clip, outputs=(f"{tmp_path}/b.png",), frames=1)
    assert (tmp_path / "b.png").exists()


def test_the_source_is_never_the_output(inverter: Told, clip: Path) -> None:
    before = clip.read_bytes()
    with pytest.raises(OptionError, match="is the source itself, and would be lost"):
        _play(clip, outputs=(f"{clip.parent}/../{clip.parent.name}/{clip.name}",))
    assert clip.read_bytes() == before


def test_frames_are_collected_for_a_first_calibration(
    inverter: Told, make_picture: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_picture("in/a.png", 1).parent
    make_picture("in/b.png", 1)
    make_picture("in/c.png", 20)
    result = _play(folder, collect=str(tmp_path / "new"))
    assert result.summary.collected == len(list((tmp_path / "new").iterdir())) == 2
    assert result.summary.drift == {}


def test_a_folder_to_collect_in_that_is_none_is_found_before_the_work(
    inverter: Told, clip: Path
) -> None:
    with pytest.raises(OutputError, match=r"clip\.mp4: is a file, expected a folder to collect in"):
        _play(clip, collect=str(clip))
    assert inverter == []


def test_a_bad_bundle_closes_the_source(
    monkeypatch: pytest.MonkeyPatch, clip: Path, tmp_path: Path
) -> None:
    def load(*words: Any, **options: Any) -> None:
        raise BundleError("m.hsi: damaged")

    monkeypatch.setattr("hsi.runtime.load", load)
    with pytest.raises(BundleError, match=r"m\.hsi: damaged"):
        _play(clip, outputs=(f"{tmp_path}/a.mp4",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "text"),
    [("auto", "inverter"), ("inverter", "inverter"), ("cpu", "inverter (cpu was asked for)")],
)
def test_what_was_asked_for_is_told_where_another_engine_ran(
    inverter: Told, clip: Path, asked: str, text: str
) -> None:
    result = play(
        Request(sources=(str(clip),), outputs=("null:",), engine=asked),
        lambda progress: None,
        stop=threading.Event(),
    )

    assert result.engine_text == text
    assert (result.as_dict()["engine"], result.as_dict()["engine_asked"]) == ("inverter", asked)
