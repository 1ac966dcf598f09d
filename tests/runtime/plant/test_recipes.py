from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.plant.recipes import recipes_from
from hsi.runtime.styles import shipped_styles


def test_shipped_styles_are_recipes() -> None:
    assert recipes_from(None) == {name: name for name in shipped_styles()}


def test_pictures_of_a_folder_and_those_in_use_are_recipes_too(
    make_picture: Callable[..., Path],
) -> None:
    mine = make_picture("mine/great-wave.png")
    make_picture("mine/.hidden.png")
    (mine.parent / "notes.txt").touch()

    found = recipes_from(mine.parent, ["starry-night", "/else/oil.jpg"])

    assert found.keys() == {*shipped_styles(), "oil"}
    assert found["great-wave"] == str(mine)  # one's own goes before the shipped one
    assert found["oil"] == "/else/oil.jpg"


def test_two_pictures_of_one_name_are_refused(make_picture: Callable[..., Path]) -> None:
    folder = make_picture("mine/oil.png").parent
    make_picture("mine/oil.jpg")

    with pytest.raises(OptionError, match=r"found oil.png and oil.jpg: rename one"):
        recipes_from(folder)
