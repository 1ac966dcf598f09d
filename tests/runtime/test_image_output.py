from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hsi.runtime.errors import OutputError
from hsi.runtime.frame import Frame
from hsi.runtime.image_output import FolderOutput, PictureOutput

MakeFrame = Callable[..., Frame]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pictures_keep_their_names(tmp_path: Path, make_frame: MakeFrame) -> None:
    frame = make_frame(3, path=Path("in/cat.jpg"))
    with FolderOutput(tmp_path / "out") as output:
        output.write(frame, frame.image)
    assert _names(tmp_path / "out") == ["cat.png"]
    found = cv2.imread(str(tmp_path / "out" / "cat.png"))
    assert found is not None
    assert np.array_equal(found, frame.image)


def test_pictures_of_one_stem_get_names_of_their_own(tmp_path: Path, make_frame: MakeFrame) -> None:
    with FolderOutput(tmp_path) as output:
        for name in ("cat.jpg", "cat.png", "more/cat.png"):
            frame = make_frame(path=Path(name))
            output.write(frame, frame.image)
    assert _names(tmp_path) == ["cat-2.png", "cat-3.png", "cat.png"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("dir/clip.mp4", "clip-000012.png"),
        ("camera 0", "camera-0-000012.png"),
        ("/dev/video0", "video0-000012.png"),
        ("rtsp://***@host:554/live/?a=b", "live-000012.png"),
        ("test://64x48@30", "64x48-30-000012.png"),
        ("rtsp://***", "frame-000012.png"),
    ],
)
def test_frames_get_the_name_of_their_source_and_their_number(
    tmp_path: Path, make_frame: MakeFrame, source: str, name: str
) -> None:
    frame = make_frame(12, source=source)
    with FolderOutput(tmp_path) as output:
        output.write(frame, frame.image)
    assert _names(tmp_path) == [name]


def test_the_format_can_be_chosen(tmp_path: Path, make_frame: MakeFrame) -> None:
    frame = make_frame(1)
    with FolderOutput(tmp_path, suffix=".jpg") as output:
        output.write(frame, frame.image)
    assert (tmp_path / "clip-000001.jpg").read_bytes().startswith(b"\xff\xd8")


def test_the_picture_that_was_read_is_never_replaced(
    make_picture: Callable[..., Path], make_frame: MakeFrame
) -> None:
    path = make_picture("in/cat.png")
    before = path.read_bytes()
    frame = make_frame(path=path)
    with (
        pytest.raises(OutputError, match=r"cat\.png: is the picture that was read"),
        FolderOutput(path.parent) as output,
    ):
        output.write(frame, frame.image)
    assert path.read_bytes() == before


def test_a_picture_of_an_earlier_run_is_replaced(tmp_path: Path, make_frame: MakeFrame) -> None:
    (tmp_path / "cat.png").write_text("old")
    frame = make_frame(path=Path("elsewhere/cat.jpg"))
    with FolderOutput(tmp_path) as output:
        output.write(frame, frame.image)
    assert cv2.imread(str(tmp_path / "cat.png")) is not None


def test_a_failed_run_leaves_no_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fault"), FolderOutput(tmp_path / "a" / "b"):
        raise ValueError("fault")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_whole_pictures(tmp_path: Path, make_frame: MakeFrame) -> None:
    frame = make_frame(path=Path("cat.jpg"))
    with pytest.raises(ValueError, match="fault"), FolderOutput(tmp_path / "a") as output:
        output.write(frame, frame.image)
        raise ValueError("fault")
    assert _names(tmp_path / "a") == ["cat.png"]


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="out: is a file, expected a folder"):
        FolderOutput(tmp_path / "out")
    with pytest.raises(OutputError, match="a part of the path is a file"):
        FolderOutput(tmp_path / "out" / "deeper")


def test_a_single_picture_appears_at_the_end_and_whole(
    tmp_path: Path, make_frame: MakeFrame
) -> None:
    frame = make_frame(4)
    with PictureOutput(tmp_path / "a.png") as output:
        output.write(frame, frame.image)
        assert not (tmp_path / "a.png").exists()
    assert _names(tmp_path) == ["a.png"]


def test_a_second_frame_for_a_single_picture_is_refused(
    tmp_path: Path, make_frame: MakeFrame
) -> None:
    frame = make_frame(4)
    with (
        pytest.raises(OutputError, match=r"a\.png: holds one picture, .*--frames 1"),
        PictureOutput(tmp_path / "a.png") as output,
    ):
        output.write(frame, frame.image)
        output.write(frame, frame.image)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_the_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder, expected a file name"):
        PictureOutput(tmp_path)


def test_a_format_that_cannot_hold_the_size_is_named(tmp_path: Path, make_frame: MakeFrame) -> None:
    wide = np.zeros((1, 20000, 3), np.uint8)
    with (
        pytest.raises(OutputError, match=r"a \.webp file cannot hold a 20000x1 picture"),
        PictureOutput(tmp_path / "a.webp") as output,
    ):
        output.write(make_frame(), wide)
    assert list(tmp_path.iterdir()) == []
