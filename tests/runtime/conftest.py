"""Invented pictures and videos, a fake stylizer, and ways to run the command."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

import hsi.runtime
from hsi.runtime import StyleCode, Stylised
from hsi.runtime.bundle import Bundle
from hsi.runtime.frame import Frame, Image
from hsi.runtime.style_code import StyleCache
from hsi.runtime.styles import DEFAULT_STYLE
from hsi.runtime.stylizer import Stylizer
from tests.runtime.fake_engine import FakeEngine
from tests.runtime.live_play import LivePlay

STEP = 11  # grey levels between two invented frames: far enough apart to survive a codec

# Runs the command with an engine that inverts pictures, so that no bundle is needed. The
# environment says how long one frame takes.
FAKE_RUN = """
import os, sys, time
import numpy as np
import hsi.runtime

class Inverter:
    engine_name = "inverter"
    style = None
    def set_style(self, style, *, strength=None): pass
    def drift_reference(self): pass
    def stylize(self, frame, *, out=None, **statistics):
        time.sleep(float(os.environ.get("INFER_S", "0")))
        image = np.subtract(255, frame, out=out)
        # Without strength nothing is smoothed over time.
        return hsi.runtime.Stylised(image=image, statistics=None, style=None, strength=0)
    def __enter__(self): return self
    def __exit__(self, *reason): pass

hsi.runtime.load = lambda *words, **options: Inverter()
from hsi.runtime.cli import main
sys.exit(main())
"""


def grey(number: int, size: tuple[int, int] = (96, 64)) -> Image:
    """Return the invented frame of this number: evenly grey, in a level of its own."""
    return np.full((size[1], size[0], 3), number * STEP % 256, np.uint8)


def number_of(image: npt.NDArray[np.uint8]) -> int:
    """Return the number that an invented frame has, even after a lossy codec."""
    return round(float(image.mean()) / STEP)


@pytest.fixture(scope="session")
def make_video() -> Callable[..., Path]:
    """Write a video of numbered grey frames."""

    def make(
        path: Path,
        *,
        count: int = 20,
        size: tuple[int, int] = (96, 64),
        fps: float = 25,
        codec: str = "libx264",
        times_s: Sequence[float] | None = None,
        turn: int = 0,
        options: dict[str, str] | None = None,
        image: Callable[[int, tuple[int, int]], Image] = grey,
    ) -> Path:
        ticks = 60000
        with av.open(str(path), "w", options=options or {}) as container:
            stream: Any = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, ticks)
            if turn:
                if not hasattr(type(stream), "set_display_rotation"):
                    pytest.skip("this PyAV cannot write a turned video")
                stream.set_display_rotation(turn)
            for number in range(count):
                picture = av.VideoFrame.from_ndarray(image(number, size), "bgr24")
                time_s = times_s[number] if times_s else number / fps
                picture.pts, picture.time_base = round(time_s * ticks), Fraction(1, ticks)
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return path

    return make


@pytest.fixture(scope="session")
def clip(make_video: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 20 numbered frames, 96x64, 25 a second."""
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="session")
def read_video() -> Callable[[Path], list[tuple[float, Image]]]:
    """Read a video with PyAV alone: the times and images of its frames."""

    def read(path: Path) -> list[tuple[float, Image]]:
        with av.open(str(path), "r") as container:
            return [
                (float(picture.time), np.asarray(picture.to_ndarray(format="bgr24"), np.uint8))
                for picture in container.decode(video=0)
            ]

    return read


@pytest.fixture
def make_frame() -> Callable[..., Frame]:
    """Make a numbered grey frame as a source would give it."""

    def make(number: int = 0, **changes: Any) -> Frame:
        size = changes.pop("size", (96, 64))
        values = {"number": number, "time_s": number / 25, "source": "clip.mp4", **changes}
        return Frame(image=grey(number, size), **values)

    return make


@pytest.fixture
def make_picture(tmp_path: Path) -> Callable[..., Path]:
    """Write a numbered grey picture file."""

    def make(name: str, number: int = 1, size: tuple[int, int] = (96, 64)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), grey(number, size))
        return path

    return make


@pytest.fixture
def hsi_run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the real command in a process of its own, in an empty folder."""

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hsi.runtime.cli", *map(str, words)]
        folder = tmp_path / "cwd"
        folder.mkdir(exist_ok=True)
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def start_fake(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command with an engine that inverts pictures, in a process of its own."""

    def start(*words: str | Path, infer_s: float = 0, before: str = "") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", before + FAKE_RUN, *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "INFER_S": str(infer_s)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def inverter(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Let `hsi.runtime.load` return an engine that inverts pictures; returns what it was told."""
    told: list[tuple[str, Any]] = []

    class Inverter:
        engine_name = "inverter"
        style = StyleCode(values=np.zeros(3, np.float32), encoder="none")

        def set_style(self, style: Any, *, strength: float | None = None) -> None:
            told.append(("style", (style, strength)))

        def drift_reference(self) -> None:
            return None

        def stylize(self, frame: Image, *, out: Image | None = None, **statistics: Any) -> Stylised:
            image = np.subtract(np.uint8(255), frame, out=out)
            nothing = np.zeros(0, np.float32)
            # Without strength nothing is smoothed over time: each frame keeps its number.
            return Stylised(image=image, statistics=nothing, style=self.style, strength=0)

        def __enter__(self) -> Inverter:
            return self

        def __exit__(self, *reason: object) -> None:
            told.append(("closed", None))

    def load(bundle: Any = None, **options: Any) -> Inverter:
        told.append(("load", (bundle, options)))
        return Inverter()

    monkeypatch.setattr("hsi.runtime.load", load, raising=False)
    return told


@pytest.fixture
def live_play() -> Iterator[Callable[..., LivePlay]]:
    """Play the shipped bundle with these fields of a request."""
    with contextlib.ExitStack() as stack:

        def start(**words: Any) -> LivePlay:
            made = LivePlay(**words)
            stack.callback(made.end)
            made.start()
            return made

        yield start


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """What a test has started ends with it, or soon after."""
    before = set(threading.enumerate())
    yield
    # A listener of events may still be told the last one.
    deadline = time.monotonic() + 10
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left


@pytest.fixture
def free() -> Iterator[threading.Event]:
    """What a hanging library waits for, until the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(scope="module")
def _shipped_stylizer(shipped: Path) -> Iterator[Stylizer]:
    with hsi.runtime.load(shipped, engine="onnxruntime-cpu", threads=1, verify=False) as stylizer:
        yield stylizer


@pytest.fixture
def stylizer(_shipped_stylizer: Stylizer) -> Stylizer:
    """The shipped network in its default style at full strength."""
    _shipped_stylizer.set_style(DEFAULT_STYLE, strength=1.0)
    return _shipped_stylizer


@pytest.fixture(scope="session")
def frame(photo: Image) -> Image:
    """A frame of 139x101 that no test may write to: neither side is a multiple of the stride."""
    cut = photo[100:201, 200:339].copy()
    cut.setflags(write=False)
    return cut


@pytest.fixture
def fake_engine() -> FakeEngine:
    """An engine without a network."""
    return FakeEngine()


@pytest.fixture
def fake_stylizer(small_bundle: Path, tmp_path: Path, fake_engine: FakeEngine) -> Stylizer:
    """A stylizer whose engine is fake: its picture is even, the style's blue times the strength."""
    return Stylizer(Bundle(small_bundle), fake_engine, StyleCache(tmp_path / "styles"))
