from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import hsi.runtime
from hsi.runtime import StyleCode, Stylizer, blend
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import (
    BundleError,
    EngineError,
    FrameError,
    OptionError,
    QualityError,
    SourceError,
)
from hsi.runtime.frame import Image
from hsi.runtime.style_code import StyleCache
from hsi.runtime.styles import DEFAULT_STYLE

Repack = Callable[..., Path]
Vectors = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def shared_stylizer(shipped: Path) -> Iterator[Stylizer]:
    with hsi.runtime.load(shipped, engine="onnxruntime-cpu", threads=1) as stylizer:
        yield stylizer


@pytest.fixture
def stylizer(shared_stylizer: Stylizer) -> Stylizer:
    """The shipped network in its default style at full strength."""
    shared_stylizer.set_style(DEFAULT_STYLE, strength=1.0)
    return shared_stylizer


@pytest.fixture(scope="module")
def frame(photo: Image) -> Image:
    """A frame of 139x101: neither side is a multiple of the stride."""
    return photo[100:201, 200:339].copy()


class FakeEngine:
    """Remembers what it was handed. A style's code is its mean colour, twice."""

    name = "fake"

    def __init__(self) -> None:
        self.encoded: list[Image] = []
        self.frames: list[Image] = []
        self.outs: list[Image] = []
        self.closed = False

    def encode_style(self, style: Image) -> Vectors:
        self.encoded.append(style)
        return np.tile(style.mean((1, 2), dtype=np.float32), 2)

    def stylize(
        self,
        frames: Image,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Image,
    ) -> Vectors:
        self.frames.append(frames)
        self.outs.append(out)
        out[:] = codes[:, 0] * strength[:, 0]
        return statistics + statistics_weight

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def quick(small_bundle: Path, tmp_path: Path, fake: FakeEngine) -> Stylizer:
    """A stylizer whose engine is fake: its picture is even, the style's blue times the strength."""
    return Stylizer(Bundle(small_bundle), fake, StyleCache(tmp_path / "styles"))


def _even(value: int, height: int = 70, width: int = 80) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def test_a_frame_becomes_another_picture_of_its_size(stylizer: Stylizer, frame: Image) -> None:
    kept = frame.copy()
    made = stylizer(frame)
    assert made.shape == frame.shape
    assert made.dtype == np.uint8
    assert np.abs(made.astype(int) - frame).mean() > 5
    assert np.array_equal(frame, kept)


def test_without_a_style_the_shipped_default_is_used(shipped: Path, frame: Image) -> None:
    with hsi.runtime.load(shipped, threads=1, verify=False) as fresh:
        assert fresh.style is None
        made = fresh(frame)
        assert fresh.style is not None
        assert fresh.style.name == DEFAULT_STYLE
        fresh.set_style(DEFAULT_STYLE)
        assert np.array_equal(made, fresh(frame))


@pytest.mark.parametrize("size", [(64, 64), (65, 64), (71, 113), (200, 66)])
def test_any_size_from_64_pixels(stylizer: Stylizer, photo: Image, size: tuple[int, int]) -> None:
    assert stylizer(photo[: size[1], : size[0]]).shape == (size[1], size[0], 3)


def test_strength_0_is_the_frame_itself_to_the_bit(stylizer: Stylizer, photo: Image) -> None:
    stylizer.strength = 0
    noise = np.random.default_rng(0).integers(0, 256, (77, 90, 3)).astype(np.uint8)
    for picture in (photo, noise):
        assert np.array_equal(stylizer(picture), picture)


def test_strength_goes_from_the_frame_to_the_style(stylizer: Stylizer, frame: Image) -> None:
    whole = stylizer(frame).astype(int)
    stylizer.strength = 0.5
    assert stylizer.strength == 0.5
    half = stylizer(frame)
    assert np.abs(half - (whole + frame) / 2).mean() < 2


def test_the_callers_buffer_is_written_and_returned(stylizer: Stylizer, frame: Image) -> None:
    wanted = stylizer(frame)
    out = np.zeros_like(frame)
    assert stylizer(frame, out=out) is out
    assert np.array_equal(out, wanted)
    assert stylizer.stylize(frame, out=out).image is out


def test_two_results_do_not_share_memory(stylizer: Stylizer, frame: Image) -> None:
    first, second = stylizer.stylize(frame), stylizer.stylize(frame)
    assert not np.shares_memory(first.image, second.image)
    assert not np.shares_memory(first.statistics, second.statistics)


def test_a_contiguous_frame_and_the_buffer_reach_the_engine_uncopied(
    quick: Stylizer, fake: FakeEngine
) -> None:
    frame, out = _even(1), _even(2)
    quick(frame, out=out)
    assert np.shares_memory(fake.frames[0], frame)
    assert np.shares_memory(fake.outs[0], out)


def test_a_frame_that_is_not_contiguous_gives_the_same_picture(
    stylizer: Stylizer, frame: Image
) -> None:
    wide = np.zeros((*frame.shape[:2], 4), np.uint8)
    wide[..., :3] = frame
    assert np.array_equal(stylizer(wide[..., :3]), stylizer(frame))


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (
            np.zeros((70, 80, 3), np.float32),
            "frame: expected a NumPy array of uint8, found float32",
        ),
        (np.zeros((70, 80), np.uint8), r"frame: expected \(H, W, 3\) BGR, found shape \(70, 80\)"),
        (np.zeros((0, 80, 3), np.uint8), "frame: expected pixels, found none"),
        (
            np.zeros((70, 63, 3), np.uint8),
            "frame: expected sides from 64 to 8192 pixels, found 63x",
        ),
        (
            np.zeros((64, 8193, 3), np.uint8),
            "frame: expected sides from 64 to 8192 pixels, found 8",
        ),
        ([1, 2, 3], "frame: expected a NumPy array of uint8, found list"),
    ],
)
def test_a_bad_frame(quick: Stylizer, fake: FakeEngine, frame: Any, match: str) -> None:
    with pytest.raises(FrameError, match=match):
        quick(frame)
    assert not fake.frames
    assert not fake.encoded  # nor was time spent on the default style


def test_a_bad_buffer(quick: Stylizer) -> None:
    frame = _even(1)
    with pytest.raises(
        FrameError, match=r"out: expected uint8 of shape \(70, 80, 3\), found uint8 o"
    ):
        quick(frame, out=_even(1, 71))
    with pytest.raises(FrameError, match="out: expected a buffer apart from the frame"):
        quick(frame, out=frame)


def test_statistics_fed_back_give_the_same_picture(stylizer: Stylizer, frame: Image) -> None:
    own = stylizer.stylize(frame)
    assert own.statistics.shape == (stylizer.manifest.statistics_size,)
    again = stylizer.stylize(frame, statistics=own.statistics)
    assert np.abs(again.image.astype(int) - own.image).max() <= 1
    np.testing.assert_allclose(again.statistics, own.statistics, rtol=1e-5, atol=1e-5)


def test_statistics_of_another_frame_change_the_picture(
    stylizer: Stylizer, frame: Image, photo: Image
) -> None:
    own, other = stylizer.stylize(frame), stylizer.stylize(photo[300:400, 400:500])
    fed = stylizer.stylize(frame, statistics=other.statistics)
    np.testing.assert_allclose(fed.statistics, other.statistics, rtol=1e-5, atol=1e-5)
    assert np.abs(fed.image.astype(int) - own.image).max() > 5
    unused = stylizer.stylize(frame, statistics=other.statistics, statistics_weight=0)
    assert np.array_equal(unused.image, own.image)


def test_statistics_at_a_weight_are_an_exponential_mean(
    stylizer: Stylizer, frame: Image, photo: Image
) -> None:
    own = stylizer.stylize(frame).statistics
    fed = stylizer.stylize(photo[300:400, 400:500]).statistics
    used = stylizer.stylize(frame, statistics=fed, statistics_weight=0.75).statistics
    first = stylizer.manifest.statistics[:2]  # mean and variance of the first module
    assert [one.name for one in first] == ["0.mean", "0.variance"]
    moments = slice(0, sum(one.size for one in first))
    expected = 0.25 * own[moments] + 0.75 * fed[moments]
    np.testing.assert_allclose(used[moments], expected, rtol=1e-4, atol=1e-4)


def test_a_tile_with_the_frames_statistics_is_a_cut_of_the_whole(
    stylizer: Stylizer, photo: Image
) -> None:
    whole = stylizer.stylize(photo)
    contract = stylizer.manifest.frame
    half = contract.receptive_field // 2
    margin = -(-half // contract.stride) * contract.stride
    top, left = 16 * contract.stride, 20 * contract.stride
    tile = photo[top : top + 2 * margin + 100, left : left + 2 * margin + 131]
    inside = np.s_[margin : margin + 100, margin : margin + 131]
    wanted = whole.image[top:, left:][inside].astype(int)
    seam_free = stylizer.stylize(tile, statistics=whole.statistics).image
    assert np.abs(seam_free[inside] - wanted).max() <= 1
    alone = stylizer(tile)
    assert np.abs(alone[inside] - wanted).max() > 1


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), None])
def test_a_statistics_weight_outside_0_to_1(quick: Stylizer, weight: Any) -> None:
    with pytest.raises(OptionError, match=r"statistics_weight must lie in \[0, 1\]"):
        quick.stylize(_even(1), statistics=np.zeros(7, np.float32), statistics_weight=weight)


def test_statistics_of_another_network(quick: Stylizer) -> None:
    with pytest.raises(FrameError, match=r"statistics: expected 7 numbers .*, found shape \(8,\)"):
        quick.stylize(_even(1), statistics=np.zeros(8, np.float32))


def test_styles_differ_and_come_back(stylizer: Stylizer, frame: Image) -> None:
    first = stylizer(frame)
    stylizer.set_style("composition-vii")
    assert np.abs(stylizer(frame).astype(int) - first).mean() > 2
    stylizer.set_style(DEFAULT_STYLE)
    assert np.array_equal(stylizer(frame), first)


def test_a_style_is_given_in_many_ways(quick: Stylizer, tmp_path: Path) -> None:
    path = tmp_path / "sky.png"
    cv2.imwrite(str(path), _even(200))
    code = quick.encode_style(str(path))
    assert code.name == "sky"
    styles: tuple[Any, ...] = (path, _even(200), code, [(path, 3)], [(code, 1), (path, 1)])
    for style in styles:
        quick.set_style(style)
        assert quick(_even(0)).max() == 200


def test_a_blend_lies_between_its_styles(quick: Stylizer) -> None:
    quick.set_style([(_even(100), 3), (_even(200), 1)])
    assert quick(_even(0)).max() == 125
    assert quick.style is not None
    assert quick.style.name == "array+array"


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
        ([(_even(1), "much")], "styles to blend must be pairs of a style and a number"),
        ("gone.jpg", "style 'gone.jpg': expected a picture or one of composition-vii, "),
    ],
)
def test_a_style_that_is_none(quick: Stylizer, style: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        quick.set_style(style)


@pytest.mark.parametrize(
    ("style", "match"),
    [
        (np.zeros((70, 80, 3)), "style: expected a NumPy array of uint8, found float64"),
        (np.zeros((70, 80, 3), np.int8), "style: expected a NumPy array of uint8, found int8"),
        (np.zeros((70, 80), np.uint8), r"style: expected \(H, W, 3\) BGR, found shape \(70, 80\)"),
        (np.zeros((0, 8, 3), np.uint8), "style: expected pixels, found none"),
    ],
)
def test_an_array_that_is_no_style(quick: Stylizer, style: Any, match: str) -> None:
    quick.set_style(np.zeros((70, 80, 3), np.uint8))  # of the same bytes as one of those
    with pytest.raises(FrameError, match=match):
        quick.set_style(style)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r"a\.png: expected a picture .*, found 0 bytes that are none"),
        (b"dear diary", r"a\.png: expected a picture .*, found 10 bytes that are none"),
        (None, r"a\.png: cannot be read: Is a directory: give a picture"),
    ],
)
def test_a_file_that_is_no_style(
    quick: Stylizer, tmp_path: Path, content: bytes | None, match: str
) -> None:
    path = tmp_path / "a.png"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(SourceError, match=match):
        quick.set_style(path)
    assert quick.style is None


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
    quick: Stylizer, fake: FakeEngine, tmp_path: Path, picture: Any
) -> None:
    cv2.imwrite(str(tmp_path / "odd.png"), picture)
    quick.set_style(tmp_path / "odd.png")
    (style,) = fake.encoded
    assert style.dtype == np.uint8
    assert style.shape[0] == 1
    assert min(style.shape[1:3]) >= 64
    assert max(style.shape[1:3]) <= 4 * min(style.shape[1:3])
    assert np.abs(style.astype(int) - 90).max() <= 1


def test_the_real_encoder_takes_the_smallest_and_the_longest(stylizer: Stylizer) -> None:
    for picture in (_even(90, 1, 1), _even(90, 64, 4000)):
        assert np.isfinite(stylizer.encode_style(picture).values).all()


def test_a_code_of_another_network(quick: Stylizer) -> None:
    code = quick.encode_style(_even(100))
    match = "style code array was made by another network's style encoder: encode the picture again"
    for other in (
        StyleCode(values=code.values, encoder="0" * 64, name="array"),
        StyleCode(values=code.values[:5], encoder=code.encoder, name="array"),
    ):
        with pytest.raises(OptionError, match=match):
            quick.set_style(other)


def test_a_known_picture_is_not_encoded_again(
    quick: Stylizer, fake: FakeEngine, small_bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "sky.png"
    cv2.imwrite(str(path), _even(200))
    first = quick.encode_style(path)
    copied = path.rename(tmp_path / "copy.png")
    second = quick.encode_style(copied)
    other = Stylizer(Bundle(small_bundle), fake, StyleCache(tmp_path / "styles"))
    assert len(fake.encoded) == 1
    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.values, other.encode_style(copied).values)
    assert len(fake.encoded) == 1
    assert second.name == "copy"


def test_a_changed_picture_is_encoded_again(
    quick: Stylizer, fake: FakeEngine, tmp_path: Path
) -> None:
    path = tmp_path / "sky.png"
    for value in (200, 100):
        cv2.imwrite(str(path), _even(value))
        assert quick.encode_style(path).values[0] == value
    assert len(fake.encoded) == 2


def test_a_damaged_cache_is_made_anew(quick: Stylizer, fake: FakeEngine, tmp_path: Path) -> None:
    wanted = quick.encode_style(_even(100)).values
    (kept,) = (path for path in (tmp_path / "styles").rglob("*") if path.is_file())
    for content in (b"", b"junk", bytes(kept.stat().st_size)):
        kept.write_bytes(content)
        assert np.array_equal(quick.encode_style(_even(100)).values, wanted)
    assert len(fake.encoded) == 4
    quick.encode_style(_even(100))
    assert len(fake.encoded) == 4


def test_a_cache_that_cannot_be_written_costs_time_alone(
    small_bundle: Path, tmp_path: Path, fake: FakeEngine
) -> None:
    (tmp_path / "file").touch()
    stylizer = Stylizer(Bundle(small_bundle), fake, StyleCache(tmp_path / "file"))
    for count in (1, 2):
        assert stylizer.encode_style(_even(100)).values[0] == 100
        assert len(fake.encoded) == count


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), None, "1"])
def test_a_strength_outside_0_to_1(quick: Stylizer, fake: FakeEngine, value: Any) -> None:
    with pytest.raises(OptionError, match=r"strength must lie in \[0, 1\], got "):
        quick.strength = value
    if value is not None:
        with pytest.raises(OptionError, match=r"strength must lie in \[0, 1\], got "):
            quick.set_style(_even(100), strength=value)
    assert quick.strength == 1
    assert quick.style is None
    assert not fake.encoded


def test_a_style_keeps_the_strength_unless_told(quick: Stylizer) -> None:
    quick.strength = 0.5
    quick.set_style(_even(100))
    assert (quick.strength, quick(_even(0)).max()) == (0.5, 50)
    quick.set_style(_even(200), strength=0.25)
    assert (quick.strength, quick(_even(0)).max()) == (0.25, 50)


def test_a_strength_set_while_a_style_is_encoded_is_kept(
    quick: Stylizer, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = fake.encode_style

    def slowly(style: Image) -> Vectors:
        quick.strength = 0.5
        return encode(style)

    monkeypatch.setattr(fake, "encode_style", slowly)
    quick.set_style(_even(100))
    assert quick.strength == 0.5


def test_the_default_does_not_undo_a_style_set_meanwhile(
    quick: Stylizer, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, encode = quick.encode_style(_even(100)), fake.encode_style

    def slowly(style: Image) -> Vectors:
        quick.set_style(chosen)
        return encode(style)

    monkeypatch.setattr(fake, "encode_style", slowly)
    assert quick(_even(0)).max() == 100
    assert quick.style is chosen


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


def test_several_threads_may_stylise(stylizer: Stylizer, photo: Image) -> None:
    frames = [photo[:64, n : n + 70].copy() for n in range(4)]
    wanted = [stylizer(frame) for frame in frames]
    made: dict[int, Image] = {}

    def work(number: int) -> None:
        made[number] = stylizer(frames[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(made[number], wanted[number]) for number in range(4))


def test_a_closed_stylizer_says_so(quick: Stylizer, fake: FakeEngine) -> None:
    with quick:
        quick(_even(1))
    quick.close()
    assert fake.closed
    for use in (lambda: quick(_even(1)), quick.self_test, lambda: quick.encode_style(_even(7))):
        with pytest.raises(EngineError, match="this stylizer is closed: load the bundle again"):
            use()


def test_the_self_test_passes_on_the_bundle_as_exported(stylizer: Stylizer) -> None:
    stylizer.self_test()


@pytest.fixture(scope="module")
def untrue(shipped: Path, tmp_path_factory: pytest.TempPathFactory, repack: Repack) -> Path:
    """The shipped bundle with another golden picture, hash and all."""
    picture = 255 - Bundle(shipped).read_picture("golden/stylised.png")
    return _with_golden(shipped, tmp_path_factory.mktemp("untrue"), repack, picture)


def _with_golden(shipped: Path, folder: Path, repack: Repack, picture: Image) -> Path:
    good, data = cv2.imencode(".png", picture)
    assert good
    parts = {"golden/stylised.png": data.tobytes()}
    return repack(shipped, folder / "untrue.hsi", parts=parts, rehash=True)


def test_a_self_test_that_fails_says_how_far_off(untrue: Path) -> None:
    match = (
        r"untrue\.hsi: self-test failed on onnxruntime.*: expected at most 3 of 255 and 0\.10% of"
    )
    with pytest.raises(QualityError, match=match):
        hsi.runtime.load(untrue, threads=1)


def test_the_self_test_can_be_skipped(untrue: Path, frame: Image) -> None:
    with hsi.runtime.load(untrue, threads=1, verify=False) as stylizer:
        assert stylizer(frame).shape == frame.shape


def test_hsi_run_exits_5_on_a_failed_self_test(untrue: Path) -> None:
    words = ["test://64x64@30?frames=1", "-o", "null:", "--model", str(untrue)]
    command = [sys.executable, "-m", "hsi.runtime.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 5
    assert done.stderr.startswith("hsi-run: ")
    assert done.stderr.count("\n") == 1


def test_golden_pictures_of_two_sizes(shipped: Path, tmp_path: Path, repack: Repack) -> None:
    path = _with_golden(shipped, tmp_path, repack, _even(0, 70, 71))
    with pytest.raises(BundleError, match="expected golden pictures of one size, found"):
        hsi.runtime.load(path, threads=1)


def test_a_load_that_fails_gives_the_engine_back(
    small_bundle: Path, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsi.runtime.loader.open_engine", lambda *words: fake)
    monkeypatch.setattr(fake, "encode_style", lambda style: np.zeros((1, 6), np.float32))
    with pytest.raises(QualityError, match="self-test failed on fake"):
        hsi.runtime.load(small_bundle)
    assert fake.closed


def test_a_part_that_nobody_needs_yet_is_checked_all_the_same(
    shipped: Path, tmp_path: Path, repack: Repack
) -> None:
    data = bytearray(Bundle(shipped).read("style_encoder.onnx"))
    data[-1] ^= 1
    path = repack(shipped, tmp_path / "bad.hsi", parts={"style_encoder.onnx": bytes(data)})
    with pytest.raises(BundleError, match=r"style_encoder\.onnx is not the one this bundle was"):
        hsi.runtime.load(path, threads=1)


def test_load_hands_the_choice_of_an_engine_on(shipped: Path) -> None:
    with pytest.raises(OptionError, match="engine must be one of"):
        hsi.runtime.load(shipped, engine="warp")
    with pytest.raises(OptionError, match="threads must be at least 1"):
        hsi.runtime.load(shipped, threads=0)
