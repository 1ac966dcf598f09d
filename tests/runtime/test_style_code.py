from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime.errors import FrameError, OptionError
from hsi.runtime.style_code import StyleCache, StyleCode, blend

Vector = npt.NDArray[np.float32]


def _code(*values: float, encoder: str = "e", name: str = "a") -> StyleCode:
    return StyleCode(values=np.array(values, np.float32), encoder=encoder, name=name)


def test_a_code_is_a_frozen_copy() -> None:
    values = np.array([1, 2], np.float32)
    code = StyleCode(values=values, encoder="e")
    values[0] = 9
    assert code.values.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        code.values[0] = 3


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ([[1.0]], r"style code a: expected a vector of numbers, found shape \(1, 1\)"),
        ([1.0, float("nan")], r"found shape \(2,\) with NaN or infinity"),
        ([1e300], r"found shape \(1,\) with NaN or infinity"),
        ("x", "style code a: expected a vector of numbers, found str"),
        (None, r"found shape \(\) with NaN"),
    ],
)
def test_a_code_that_is_no_vector_of_numbers(values: Any, match: str) -> None:
    with pytest.raises(FrameError, match=match):
        StyleCode(values=values, encoder="e", name="a")


@pytest.mark.parametrize(
    ("weights", "expected"),
    [((1, 1), [2, 3]), ((3, 1), [1.5, 2]), ((0, 5), [3, 5]), ((2, 0), [1, 1])],
)
def test_a_blend_is_the_weighted_mean(weights: tuple[float, float], expected: list[float]) -> None:
    mixed = blend([(_code(1, 1), weights[0]), (_code(3, 5, name="b"), weights[1])])
    assert mixed.values.tolist() == expected
    assert (mixed.name, mixed.encoder) == ("a+b", "e")


def test_a_blend_of_one_is_itself() -> None:
    assert blend([(_code(0.1, 0.7), 0.3)]).values.tolist() == _code(0.1, 0.7).values.tolist()


@pytest.mark.parametrize(
    ("codes", "match"),
    [
        ([], "style weights must be 0 or more and not all 0, got none"),
        ([(_code(1), -1), (_code(1), 2)], r"not all 0, got \[-1.0, 2.0\]"),
        ([(_code(1), 0)], r"not all 0, got \[0.0\]"),
        ([(_code(1), float("inf"))], r"not all 0, got \[inf\]"),
        ([(_code(1), "x")], "styles to blend must be pairs of a style and a number"),
        ([_code(1)], "styles to blend must be pairs of a style and a number"),
        ([(_code(1), 1), (_code(1, encoder="f"), 1)], "must come from one style encoder"),
        ([(_code(1), 1), (_code(1, 2), 1)], "must come from one style encoder"),
    ],
)
def test_a_blend_that_cannot_be(codes: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        blend(codes)


@pytest.fixture
def cache(tmp_path: Path) -> StyleCache:
    return StyleCache(tmp_path / "styles")


def _files(cache: StyleCache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file()]


VALUES = np.array([1.5, -2, 0.25], np.float32)


def test_what_was_kept_is_found(cache: StyleCache) -> None:
    cache.put("e" * 64, b"picture", VALUES)
    found = cache.get("e" * 64, b"picture", 3)
    assert found is not None
    assert found.dtype == np.float32
    assert np.array_equal(found, VALUES)
    assert len(_files(cache)) == 1


def test_the_key_is_the_encoder_and_the_content(cache: StyleCache) -> None:
    cache.put("e" * 64, b"picture", VALUES)
    assert cache.get("f" * 64, b"picture", 3) is None
    assert cache.get("e" * 64, b"another", 3) is None
    assert cache.get("e" * 64, b"picture", 4) is None


@pytest.mark.parametrize(
    "content", [b"", b"junk", bytes(44), b"PK\x03\x04" + bytes(40), b"\x93NUMPY" + bytes(99)]
)
def test_a_damaged_file_is_no_code(cache: StyleCache, content: bytes) -> None:
    cache.put("e" * 64, b"picture", VALUES)
    (path,) = _files(cache)
    path.write_bytes(content)
    assert cache.get("e" * 64, b"picture", 3) is None


def test_a_changed_bit_is_noticed(cache: StyleCache) -> None:
    cache.put("e" * 64, b"picture", VALUES)
    (path,) = _files(cache)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert cache.get("e" * 64, b"picture", 3) is None


def test_a_cache_that_cannot_be_written_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", Path("/proc/none")):
        cache = StyleCache(folder)
        cache.put("e" * 64, b"picture", VALUES)
        assert cache.get("e" * 64, b"picture", 3) is None


def test_a_fault_while_writing_leaves_nothing(
    cache: StyleCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hsi.runtime.style_code.os.replace", fail)
    cache.put("e" * 64, b"picture", VALUES)
    assert _files(cache) == []


def test_the_cache_lies_where_the_user_keeps_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert StyleCache().folder == tmp_path / "hsi-edge" / "styles"
    for other in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", other)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert StyleCache().folder == tmp_path / ".cache" / "hsi-edge" / "styles"


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    cache = StyleCache()
    cache.put("e" * 64, b"picture", VALUES)
    assert cache.get("e" * 64, b"picture", 3) is None
    assert not os.path.exists(cache.folder)
