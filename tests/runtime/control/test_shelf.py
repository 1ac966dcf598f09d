"""Tests of the styles that the page offers."""

from pathlib import Path

import pytest

from hsi.runtime.control.refusal import NotNow, NotThere
from hsi.runtime.control.shelf import MAX_UPLOADS, StyleShelf
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.styles import shipped_styles


@pytest.fixture
def shelf(tmp_path: Path) -> StyleShelf:
    return StyleShelf(tmp_path / "uploads")


def test_the_shipped_styles_are_on_the_shelf(shelf: StyleShelf) -> None:
    assert [style.key for style in shelf.styles] == list(shipped_styles())
    assert all(style.thumbnail.startswith(b"\xff\xd8") for style in shelf.styles)
    assert shelf.find("great-wave").title == "Great wave"


def test_an_upload_is_there_in_the_next_run(
    shelf: StyleShelf, tmp_path: Path, picture_file: bytes
) -> None:
    added = shelf.add(picture_file, "../../Blümchen & Co.jpg")

    again = StyleShelf(tmp_path / "uploads").find(added.key)

    assert (again.title, again.uploaded) == ("Blümchen co", True)
    assert Path(again.word).parent == tmp_path / "uploads"
    assert list((tmp_path / "uploads").glob("*.part")) == []


def test_the_same_picture_twice_is_one_style(shelf: StyleShelf, picture_file: bytes) -> None:
    assert shelf.add(picture_file, "a.jpg").key == shelf.add(picture_file, "a.jpg").key
    assert len(shelf.styles) == len(shipped_styles()) + 1


def test_a_style_from_elsewhere_is_taken_in(
    shelf: StyleShelf, tmp_path: Path, picture_file: bytes
) -> None:
    path = tmp_path / "Great Wave.jpg"
    path.write_bytes(picture_file)

    key = shelf.key_of(str(path))

    assert key == shelf.key_of(str(path))
    assert key.startswith("great-wave-")
    assert shelf.find(key).word == str(path)


def test_a_style_that_cannot_be_read_has_a_key_and_no_picture(shelf: StyleShelf) -> None:
    assert shelf.key_of("/nowhere/gone.jpg") == "gone"
    assert shelf.key_of("/nowhere/gone.jpg") == "gone"
    with pytest.raises(NotThere, match="'gone': expected one of"):
        shelf.find("gone")


def test_the_shelf_has_an_end(shelf: StyleShelf, picture_file: bytes, tmp_path: Path) -> None:
    shelf.add(picture_file, "first.jpg")
    first = next((tmp_path / "uploads").glob("*.png"))
    for number in range(1, MAX_UPLOADS):
        (tmp_path / "uploads" / f"{number}.{number}.png").write_bytes(first.read_bytes()[:9])

    with pytest.raises(OptionError, match=f"at most {MAX_UPLOADS} on the shelf.*remove one"):
        shelf.add(picture_file, "one more.jpg")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, picture_file: bytes) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SourceError, match=r"uploaded picture: cannot be kept in .*file/uploads"):
        StyleShelf(tmp_path / "file" / "uploads").add(picture_file, "a.jpg")


def test_what_came_along_is_not_removed(shelf: StyleShelf) -> None:
    with pytest.raises(NotNow, match="'great-wave': expected an uploaded one"):
        shelf.remove("great-wave")
