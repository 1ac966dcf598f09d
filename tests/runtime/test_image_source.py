from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Frame
from hsi.runtime.image_source import ImageSource, sorted_pictures
from hsi.runtime.source import EndOfStream


def _read_all(source: ImageSource) -> list[Frame]:
    frames = []
    with pytest.raises(EndOfStream, match="in"):
        while True:
            frames.append(source.read(0.1))
    return frames


def test_pictures_come_in_natural_order(make_picture: Callable[..., Path]) -> None:
    paths = [make_picture(f"in/f{n}.png", n) for n in (10, 2, 1)]
    found = sorted_pictures(paths, name="in")
    assert [path.name for path in found] == ["f1.png", "f2.png", "f10.png"]
    with ImageSource("in", found) as source:
        frames = _read_all(source)
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert [frame.path for frame in frames] == found
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.04, 0.08])


def test_other_files_in_the_folder_are_left_out(make_picture: Callable[..., Path]) -> None:
    path = make_picture("in/cat.JPG")
    (path.parent / "notes.txt").write_text("x")
    (path.parent / "folder.png").mkdir()
    assert sorted_pictures(path.parent.iterdir(), name="in") == [path]


def test_size_is_known_for_one_picture_only(make_picture: Callable[..., Path]) -> None:
    one, two = make_picture("a.png"), make_picture("b.png", size=(32, 32))
    assert ImageSource("a", [one]).size == (96, 64)
    assert ImageSource("a", [one, two]).size is None


def test_grey_alpha_and_16_bit_pictures_become_bgr(tmp_path: Path) -> None:
    shapes = {"grey": (8, 6), "alpha": (8, 6, 4), "deep": (8, 6, 3)}
    for name, shape in shapes.items():
        deep = name == "deep"
        image = np.full(shape, 100 * 257 if deep else 100, np.uint16 if deep else np.uint8)
        path = tmp_path / f"{name}.png"
        assert cv2.imwrite(str(path), image)
        frame = ImageSource(name, [path]).read(0)
        assert frame.image.shape == (8, 6, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image[0, 0].tolist() == [100, 100, 100]


def test_a_text_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("dear diary")
    with pytest.raises(SourceError, match=r"notes\.jpg: not a readable picture \(10 bytes\)"):
        ImageSource("notes.jpg", [path])


def test_an_empty_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "void.png"
    path.touch()
    with pytest.raises(SourceError, match=r"void\.png: the file is empty \(0 bytes\)"):
        ImageSource("void.png", [path])


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_half_a_picture_is_refused_in_silence(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3)).astype(np.uint8)
    path = tmp_path / f"half{suffix}"
    data = cv2.imencode(suffix, noise)[1].tobytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"half\..*not a readable picture"):
        ImageSource("half", [path])
    assert capfd.readouterr().err == ""


def test_a_later_picture_that_is_none_is_named(make_picture: Callable[..., Path]) -> None:
    good = make_picture("in/a.png")
    bad = good.with_name("b.png")
    bad.write_text("x")
    source = ImageSource("in", [good, bad])
    source.read(0)
    with pytest.raises(SourceError, match=r"b\.png: not a readable picture"):
        source.read(0)


def test_a_picture_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "folder.png"
    path.mkdir()
    with pytest.raises(SourceError, match=r"folder\.png: cannot read it: Is a directory"):
        ImageSource("folder.png", [path])
