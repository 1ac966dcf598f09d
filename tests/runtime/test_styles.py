from __future__ import annotations

from pathlib import Path

import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.picture import picture_from_bytes
from hsi.runtime.styles import DEFAULT_STYLE, shipped_styles, style_path


def test_six_styles_are_shipped_sorted_and_the_default_is_one() -> None:
    names = list(shipped_styles())
    assert len(names) == 6
    assert names == sorted(names)
    assert DEFAULT_STYLE in names


@pytest.mark.parametrize("name", shipped_styles())
def test_a_shipped_style_is_a_picture_large_enough(name: str) -> None:
    picture = picture_from_bytes(style_path(name).read_bytes())
    assert picture is not None
    assert min(picture.shape[:2]) >= 500


def test_a_file_beats_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / DEFAULT_STYLE).touch()
    monkeypatch.chdir(tmp_path)
    assert style_path(DEFAULT_STYLE) == Path(DEFAULT_STYLE)


def test_a_folder_does_not_hide_a_shipped_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / DEFAULT_STYLE).mkdir()
    monkeypatch.chdir(tmp_path)
    assert style_path(DEFAULT_STYLE) == shipped_styles()[DEFAULT_STYLE]


@pytest.mark.parametrize("style", ["gone.jpg", "", "a\0b", "x" * 5000])
def test_what_is_neither_is_refused_with_the_names(style: str) -> None:
    with pytest.raises(OptionError, match=r"expected a picture or one of composition-vii, .*found"):
        style_path(style)
