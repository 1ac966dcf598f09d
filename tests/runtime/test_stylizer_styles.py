"""How a style is given, kept and changed while frames are made."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime import StyleCode, Stylizer, blend
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import FrameError, OptionError, SourceError
from hsi.runtime.frame import Image
from hsi.runtime.style_code import StyleCache
from hsi.runtime.styles import DEFAULT_STYLE
from tests.runtime.fake_engine import FakeEngine, even

Vectors = npt.NDArray[np.float32]


def test_styles_differ_and_come_back(stylizer: Stylizer, frame: Image) -> None:
    first = stylizer(frame)
    stylizer.set_style("composition-vii")
    assert np.abs(stylizer(frame).astype(int) - first).mean() > 2
    stylizer.set_style(DEFAULT_STYLE)
    assert np.array_equal(stylizer(frame), first)


def test_a_style_is_given_in_many_ways(fake_stylizer: Stylizer, tmp_path: Path) -> None:
    path = tmp_path / "sky.png"
    cv2.imwrite(str(path), even(200))
    code = fake_stylizer.encode_style(str(path))
    assert code.name == "sky"
    styles: tuple[Any, ...] = (path, even(200), code, [(path, 3)], [(code, 1), (path, 1)])
    for style in styles:
        fake_stylizer.set_style(style)
        assert fake_stylizer(even(0)).max() == 200


def test_a_blend_lies_between_its_styles(fake_stylizer: Stylizer) -> None:
    fake_stylizer.set_style([(even(100), 3), (even(200), 1)])
    assert fake_stylizer(even(0)).max() == 125
    assert fake_stylizer.style is not None
    assert fake_stylizer.style.name == "array+array"


def test_codes_blend_as_styles_do(stylizer: Stylizer, frame: Image) -> None:
    pairs = [(stylizer.encode_style(name), w) for name, w in (("great-wave", 1), ("the-scream", 2))]
    stylizer.set_style([("great-wave", 1), ("the-scream", 2)])
    together = stylizer(frame)
    stylizer.set_style(blend(pairs))
    assert np.array_equal(stylizer(frame), together)


@pytest.mark.parametrize(
    ("style", "match"),
    [
        (None, "style: expected a picture's path, .*, found NoneType"),
        (7, "style: expected a picture's path, .*, found int"),
        (["a.jpg", "b.jpg"], r"style: expected .* \(style, weight\) pairs, found list"),
        ([], "style weights must be 0 or more and not all 0, got none"),
        ([(even(1), "much")], "styles to blend must be pairs of a style and a number"),
        ("gone.jpg", "style 'gone.jpg': expected a picture or one of composition-vii, "),
    ],
)
def test_a_style_that_is_none(fake_stylizer: Stylizer, style: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        fake_stylizer.set_style(style)


@pytest.mark.parametrize(
    ("style", "match"),
    [
        (np.zeros((70, 80, 3)), "style: expected a NumPy array of uint8, found float64"),
        (np.zeros((70, 80, 3), np.int8), "style: expected a NumPy array of uint8, found int8"),
        (np.zeros((70, 80), np.uint8), r"style: expected \(H, W, 3\) BGR, found shape \(70, 80\)"),
        (np.zeros((0, 8, 3), np.uint8), "style: expected pixels, found none"),
    ],
)
def test_an_array_that_is_no_style(fake_stylizer: Stylizer, style: Any, match: str) -> None:
    fake_stylizer.set_style(np.zeros((70, 80, 3), np.uint8))  # of the same bytes as one of those
    with pytest.raises(FrameError, match=match):
        fake_stylizer.set_style(style)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r"a\.png: expected a picture .*, found 0 bytes that are none"),
        (b"dear diary", r"a\.png: expected a picture .*, found 10 bytes that are none"),
        (None, r"a\.png: cannot be read: Is a directory: give a picture"),
    ],
)
def test_a_file_that_is_no_style(
    fake_stylizer: Stylizer, tmp_path: Path, content: bytes | None, match: str
) -> None:
    path = tmp_path / "a.png"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(SourceError, match=match):
        fake_stylizer.set_style(path)
    assert fake_stylizer.style is None


@pytest.mark.parametrize(
    "picture",
    [
        np.full((1, 1, 3), 90, np.uint8),
        np.full((90, 80), 90, np.uint8),
        np.full((90, 80, 4), 90, np.uint8),
        np.full((90, 80, 3), 90 * 257, np.uint16),
        np.full((2, 3000, 3), 90, np.uint8),
        np.full((3000, 70, 3), 90, np.uint8),
    ],
    ids=["1x1", "grey", "alpha", "16 bits", "wide", "tall"],
)
def test_odd_pictures_make_styles(
    fake_stylizer: Stylizer, fake_engine: FakeEngine, tmp_path: Path, picture: Any
) -> None:
    cv2.imwrite(str(tmp_path / "odd.png"), picture)
    fake_stylizer.set_style(tmp_path / "odd.png")
    (style,) = fake_engine.encoded
    assert style.dtype == np.uint8
    assert style.shape[0] == 1
    assert min(style.shape[1:3]) >= 64
    assert max(style.shape[1:3]) <= 4 * min(style.shape[1:3])
    assert np.abs(style.astype(int) - 90).max() <= 1


def test_the_real_encoder_takes_the_smallest_and_the_longest(stylizer: Stylizer) -> None:
    for picture in (even(90, 1, 1), even(90, 64, 4000)):
        assert np.isfinite(stylizer.encode_style(picture).values).all()


def test_a_code_of_another_network(fake_stylizer: Stylizer) -> None:
    code = fake_stylizer.encode_style(even(100))
    match = "style code array was made by another network's style encoder: encode the picture again"
    for other in (
        StyleCode(values=code.values, encoder="0" * 64, name="array"),
        StyleCode(values=code.values[:5], encoder=code.encoder, name="array"),
    ):
        with pytest.raises(OptionError, match=match):
            fake_stylizer.set_style(other)


def test_a_known_picture_is_not_encoded_again(
    fake_stylizer: Stylizer, fake_engine: FakeEngine, small_bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "sky.png"
    cv2.imwrite(str(path), even(200))
    first = fake_stylizer.encode_style(path)
    copied = path.rename(tmp_path / "copy.png")
    second = fake_stylizer.encode_style(copied)
    other = Stylizer(Bundle(small_bundle), fake_engine, StyleCache(tmp_path / "styles"))
    assert len(fake_engine.encoded) == 1
    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.values, other.encode_style(copied).values)
    assert len(fake_engine.encoded) == 1
    assert second.name == "copy"


def test_a_changed_picture_is_encoded_again(
    fake_stylizer: Stylizer, fake_engine: FakeEngine, tmp_path: Path
) -> None:
    path = tmp_path / "sky.png"
    for value in (200, 100):
        cv2.imwrite(str(path), even(value))
        assert fake_stylizer.encode_style(path).values[0] == value
    assert len(fake_engine.encoded) == 2


def test_a_damaged_cache_is_made_anew(
    fake_stylizer: Stylizer, fake_engine: FakeEngine, tmp_path: Path
) -> None:
    wanted = fake_stylizer.encode_style(even(100)).values
    (kept,) = (path for path in (tmp_path / "styles").rglob("*") if path.is_file())
    for content in (b"", b"junk", bytes(kept.stat().st_size)):
        kept.write_bytes(content)
        assert np.array_equal(fake_stylizer.encode_style(even(100)).values, wanted)
    assert len(fake_engine.encoded) == 4
    fake_stylizer.encode_style(even(100))
    assert len(fake_engine.encoded) == 4


def test_a_cache_that_cannot_be_written_costs_time_alone(
    small_bundle: Path, tmp_path: Path, fake_engine: FakeEngine
) -> None:
    (tmp_path / "file").touch()
    stylizer = Stylizer(Bundle(small_bundle), fake_engine, StyleCache(tmp_path / "file"))
    for count in (1, 2):
        assert stylizer.encode_style(even(100)).values[0] == 100
        assert len(fake_engine.encoded) == count


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), None, "1"])
def test_a_strength_outside_0_to_1(
    fake_stylizer: Stylizer, fake_engine: FakeEngine, value: Any
) -> None:
    with pytest.raises(OptionError, match=r"strength must lie in \[0, 1\], got "):
        fake_stylizer.strength = value
    if value is not None:
        with pytest.raises(OptionError, match=r"strength must lie in \[0, 1\], got "):
            fake_stylizer.set_style(even(100), strength=value)
    assert fake_stylizer.strength == 1
    assert fake_stylizer.style is None
    assert not fake_engine.encoded


def test_a_style_keeps_the_strength_unless_told(fake_stylizer: Stylizer) -> None:
    fake_stylizer.strength = 0.5
    fake_stylizer.set_style(even(100))
    assert (fake_stylizer.strength, fake_stylizer(even(0)).max()) == (0.5, 50)
    fake_stylizer.set_style(even(200), strength=0.25)
    assert (fake_stylizer.strength, fake_stylizer(even(0)).max()) == (0.25, 50)


def test_a_strength_set_while_a_style_is_encoded_is_kept(
    fake_stylizer: Stylizer, fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = fake_engine.encode_style

    def slowly(style: Image) -> Vectors:
        fake_stylizer.strength = 0.5
        return encode(style)

    monkeypatch.setattr(fake_engine, "encode_style", slowly)
    fake_stylizer.set_style(even(100))
    assert fake_stylizer.strength == 0.5


def test_the_default_does_not_undo_a_style_set_meanwhile(
    fake_stylizer: Stylizer, fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, encode = fake_stylizer.encode_style(even(100)), fake_engine.encode_style

    def slowly(style: Image) -> Vectors:
        fake_stylizer.set_style(chosen)
        return encode(style)

    monkeypatch.setattr(fake_engine, "encode_style", slowly)
    assert fake_stylizer(even(0)).max() == 100
    assert fake_stylizer.style is chosen


def test_a_frame_never_sees_half_a_change_of_style(stylizer: Stylizer, photo: Image) -> None:
    frame = photo[:64, :64].copy()
    looks = [(stylizer.encode_style("great-wave"), 1.0), (stylizer.encode_style("the-scream"), 0.6)]
    wanted = []
    for code, strength in looks:
        stylizer.set_style(code, strength=strength)
        wanted.append(stylizer(frame))
    assert not np.array_equal(wanted[0], wanted[1])
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            for code, strength in looks:
                stylizer.set_style(code, strength=strength)

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        made = [stylizer(frame) for _ in range(100)]
    finally:
        stop.set()
        thread.join()
    assert all(any(np.array_equal(one, look) for look in wanted) for one in made)
