import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi.runtime.errors import OutputError, SourceError
from hsi.runtime.style_code import StyleCode
from hsi.runtime.style_file import load_style, save_style


@pytest.fixture
def code() -> StyleCode:
    values = np.array([0.1, -2.5, 1e-7, 3e8], np.float32)
    return StyleCode(values=values, encoder="ab" * 32, name="picasso")


@pytest.fixture
def path(code: StyleCode, tmp_path: Path) -> Path:
    made = tmp_path / "picasso.style"
    save_style(made, code)
    return made


def test_a_style_comes_back_to_the_bit(path: Path, code: StyleCode) -> None:
    read = load_style(path)

    assert np.array_equal(read.values, code.values)
    assert (read.encoder, read.name) == (code.encoder, code.name)


def test_writing_leaves_one_file(path: Path) -> None:
    assert [entry.name for entry in path.parent.iterdir()] == ["picasso.style"]


def test_a_folder_that_is_not_there_is_named(code: StyleCode, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere/a\.style: expected to write a style"):
        save_style(tmp_path / "nowhere" / "a.style", code)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": "poem"}, "expected values as their SHA-256 says"),
        ({"version": 2}, "expected version 1, found 2: update hsi-edge"),
        ({"values": [0.1, -2.5, 1e-7, 4e8]}, "expected values as their SHA-256 says, found others"),
        ({"values": [1e300]}, "expected values as their SHA-256 says, found others"),
        ({"values": "many"}, "style .*values: expected a list, found 'many'"),
        ({"values": [True]}, r"values\[0\]: expected float or int, found True"),
        ({"name": 7}, "name: expected str, found 7"),
        ({"more": 1}, "expected no field 'more', found one"),
    ],
)
def test_a_style_that_was_changed_is_refused(
    path: Path, changes: dict[str, Any], match: str
) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    with pytest.raises(SourceError, match=match) as caught:
        load_style(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"\xff\xd8 a picture", r"a\.style: expected an hsi-edge style \(JSON\), found another"),
        (b"[" * 100_000, "expected an hsi-edge style"),
        (b"[1, 2]", r"a\.style: expected an object, found \[1, 2\]"),
        (b"", "expected an hsi-edge style"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, data: bytes, match: str) -> None:
    path = tmp_path / "a.style"
    path.write_bytes(data)

    with pytest.raises(SourceError, match=match):
        load_style(path)


def test_a_style_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.style: cannot be read: No such file"):
        load_style(tmp_path / "none.style")
