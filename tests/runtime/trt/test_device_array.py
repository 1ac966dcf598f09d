"""Frames that lie on the device: read and written where they lie."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine
from hsi.runtime.errors import EngineError, FrameError
from hsi.runtime.trt.device_array import device_array
from hsi.runtime.trt.engine import TensorRtEngine
from tests.runtime.trt.fake_tensorrt import FakeTensorRt

Image = npt.NDArray[np.uint8]
SHAPE = (1, 96, 128, 3)


class Placed:
    """An array of a library with DLPack; where the fakes' device is, which is host memory."""

    def __init__(self, array: npt.NDArray[Any], device: tuple[int, int] = (2, 0)) -> None:
        self.array, self.shape, self.device = array, array.shape, device
        self.streams: list[int] = []

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device

    def __dlpack__(self, *, stream: int) -> Any:
        self.streams.append(stream)
        return self.array.__dlpack__()


class Interfaced:
    """An array of a library with the other protocol."""

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self.array, self.shape = array, array.shape

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        told = self.array.__array_interface__
        return {name: told[name] for name in ("shape", "typestr", "data", "strides")}


@pytest.fixture
def vectors(bundle: Bundle, standby: Engine) -> dict[str, Any]:
    """Codes and the like for one frame."""
    return {
        "codes": standby.encode_style(bundle.read_picture("golden/style.png")[np.newaxis]),
        "statistics": np.zeros((1, bundle.manifest.statistics_size), np.float32),
        "statistics_weight": np.zeros((1, 1), np.float32),
        "strength": np.ones((1, 1), np.float32),
    }


@pytest.mark.parametrize(("kind", "waits"), [(Placed, 0), (Interfaced, 2)])
def test_frames_on_the_device_give_the_picture_of_frames_in_host_memory(
    newest: FakeTensorRt,
    opened: Callable[..., TensorRtEngine],
    standby: Engine,
    photo: Image,
    vectors: dict[str, Any],
    kind: Any,
    waits: int,
) -> None:
    engine = opened(newest)
    engine.wait(SHAPE)
    for x in (0, 200):
        frames = np.ascontiguousarray(photo[np.newaxis, :96, x : x + 128])
        made, wanted = np.empty_like(frames), np.empty_like(frames)
        used = engine.stylize_on_device(frames=kind(frames), out=kind(made), **vectors)
        right = standby.stylize(frames=frames, out=wanted, **vectors)
        np.testing.assert_array_equal(made, wanted)
        np.testing.assert_allclose(used, right, rtol=1e-5)
    engine.close()

    assert newest.cuda.synchronised == waits
    assert newest.cuda.live == 0


def test_without_a_plan_there_is_nothing_that_takes_them(
    newest: FakeTensorRt,
    opened: Callable[..., TensorRtEngine],
    photo: Image,
    vectors: dict[str, Any],
) -> None:
    newest.fails = "build"
    engine = opened(newest)
    frames = np.ascontiguousarray(photo[np.newaxis, :96, :128])

    with pytest.raises(
        EngineError, match=r"no plan for frames of shape \(1, 96, 128, 3\) yet: call"
    ):
        engine.stylize_on_device(frames=Placed(frames), out=Placed(frames.copy()), **vectors)
    engine.close()


@pytest.mark.parametrize("kind", [Placed, Interfaced])
def test_an_array_is_taken_where_it_lies(kind: Any) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)

    found = device_array(kind(array), "frames", 7)

    assert found.shape == (1, 2, 4, 3)
    there = (ctypes.c_uint8 * 24).from_address(found.address)
    assert list(there) == list(range(24))


def test_the_library_is_told_the_stream_that_will_use_the_array() -> None:
    placed = Placed(np.zeros((1, 2, 4, 3), np.uint8))

    device_array(placed, "frames", 7)

    assert placed.streams == [7]


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (np.zeros((1, 2, 4, 3), np.uint8), r"found DLPack device \(1, 0\): move it there"),
        (Placed(np.zeros((1, 2), np.uint8), (2, 1)), r"found DLPack device \(2, 1\): move it"),
        (Placed(np.zeros((1, 2), np.int8)), "frames: expected uint8, found another type"),
        (Interfaced(np.zeros((1, 2), np.float32)), "expected uint8, found <f4: convert it first"),
        (Placed(np.zeros((4, 4), np.uint8)[:, ::2]), "expected a C-contiguous array, found str"),
        (Interfaced(np.zeros((4, 4), np.uint8).T[:2]), r"found strides \(1, 4\): copy it"),
        ([[1]], "with __dlpack__ or __cuda_array_interface__, found list"),
    ],
)
def test_an_array_that_cannot_be_taken_says_why(value: Any, match: str) -> None:
    with pytest.raises(FrameError, match=match):
        device_array(value, "frames", 7)
