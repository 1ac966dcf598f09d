"""Calibration frames: any source, shrunk, with a hash; a clear line where there are none."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hsi.calibrate import frames
from hsi.calibrate.frames import read_frames, shrunk
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Image
from hsi.runtime.source import open_source


def test_frames_of_a_folder_are_all_its_pictures(folder: Path) -> None:
    found = read_frames([str(folder)], side=512, candidates=10)

    assert [Path(frame.source).name for frame in found] == ["0.png", "1.png", "2.png", "3.png"]
    assert [frame.width for frame in found] == [128] * 4


def test_places_share_the_candidates(folder: Path) -> None:
    found = read_frames([str(folder), "test://128x96@25?frames=40"], side=512, candidates=6)

    assert len(found) == 6
    assert sum(frame.source.startswith("test") for frame in found) == 3


def test_a_folder_gives_the_frames_of_its_videos_and_pictures(folder: Path, clip: Path) -> None:
    (folder / "a.mp4").symlink_to(clip)
    (folder / "b.MP4").symlink_to(clip)
    (folder / "notes.txt").touch()

    found = read_frames([str(folder), str(clip)], side=128, candidates=18)

    names = [Path(frame.source).name for frame in found]
    assert [names.count(name) for name in ("a.mp4", "b.MP4", "bottles.mp4")] == [3, 3, 9]
    assert sum(name.endswith(".png") for name in names) == 3


def test_a_folder_of_videos_alone_is_a_place(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "a.mp4").symlink_to(clip)

    assert len(read_frames([str(tmp_path)], side=128, candidates=4)) == 4


def test_a_wrong_file_is_told_before_a_camera_is_watched(tmp_path: Path) -> None:
    told: list[str] = []

    with pytest.raises(SourceError, match="no such file or folder"):
        read_frames(
            ["test://128x96@25", str(tmp_path / "gone")],
            side=512,
            candidates=99,
            on_step=told.append,
        )
    assert told == []


def test_frames_come_in_the_order_of_their_places(folder: Path) -> None:
    found = read_frames(["test://128x96@200?frames=20", str(folder)], side=512, candidates=4)

    assert [frame.source.startswith("test") for frame in found] == [True, True, False, False]


def test_frames_of_a_clip_come_from_its_whole_length(clip: Path) -> None:
    with open_source(clip) as source:
        count = source.frame_count

    found = read_frames([str(clip)], side=128, candidates=4)

    assert count is not None
    assert [frame.number for frame in found] == [place * (count // 4) for place in range(4)]


def test_a_live_source_gives_a_frame_now_and_then() -> None:
    found = read_frames(["test://128x96@200?frames=40"], side=512, candidates=4)

    assert [frame.number for frame in found] == [0, 15, 30]


def test_large_frames_are_shrunk_and_their_hash_is_of_the_source(folder: Path) -> None:
    whole = read_frames([str(folder)], side=512, candidates=1)[0]
    small = read_frames([str(folder)], side=100, candidates=1)[0]

    assert small.image.shape == (75, 100, 3)
    assert (small.width, small.height) == (128, 96)
    assert small.sha256 == whole.sha256


def test_another_picture_has_another_hash(folder: Path) -> None:
    found = read_frames([str(folder)], side=512, candidates=4)

    assert len({frame.sha256 for frame in found}) == 4


def test_a_small_picture_is_not_enlarged(pictures: list[Image]) -> None:
    assert shrunk(pictures[0], 512) is pictures[0]


def test_a_frame_too_small_for_the_network_is_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "strip.png"), np.zeros((40, 300, 3), np.uint8))

    with pytest.raises(SourceError, match=r"strip\.png: expected frames .* found 300x40: leave"):
        read_frames([str(tmp_path)], side=512, candidates=4)


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        read_frames([str(tmp_path / "gone")], side=512, candidates=4)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="picture"):
        read_frames([str(tmp_path)], side=512, candidates=4)


def test_a_file_that_is_no_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video")

    with pytest.raises(SourceError, match=r"notes\.mp4"):
        read_frames([str(tmp_path / "notes.mp4")], side=512, candidates=4)


def test_an_unknown_kind_of_address_is_refused() -> None:
    with pytest.raises(OptionError, match="unknown kind of source"):
        read_frames(["gopher://hole"], side=512, candidates=4)


def test_a_silent_live_source_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "LIVE_SILENCE_S", -1.0)
    source = open_source("test://128x96@25?frames=4")
    monkeypatch.setattr(source, "read", lambda timeout_s: None)
    monkeypatch.setattr(frames, "open_source", lambda place: source)

    with pytest.raises(SourceError, match="expected frames to calibrate on, found none for"):
        read_frames(["camera"], side=512, candidates=4)
