"""ONNX Runtime on CUDA, as far as a machine without it shows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # the fakes are modules of this folder

from hsi.runtime import device_batch, device_runner, onnxruntime_engine  # noqa: E402
from hsi.runtime.bundle import Bundle  # noqa: E402
from hsi.runtime.errors import EngineError, OptionError  # noqa: E402
from hsi.runtime.onnxruntime_engine import OnnxRuntimeEngine  # noqa: E402
from hsi.runtime.onnxruntime_options import OnnxRuntimeOptions  # noqa: E402
from tests.runtime.fake_onnxruntime import FakeOnnxRuntime  # noqa: E402
from tests.runtime.trt.fake_cuda import FakeCuda  # noqa: E402
from tests.runtime.trt.surface import CUDA  # noqa: E402

Image = npt.NDArray[np.uint8]
PLAIN = OnnxRuntimeOptions(io_binding=False, cuda_graph=False)
Open = Callable[..., OnnxRuntimeEngine]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> FakeOnnxRuntime:
    """ONNX Runtime with CUDA, without the bindings of CUDA itself."""
    fake = FakeOnnxRuntime()
    monkeypatch.setattr(onnxruntime_engine, "ort", fake)
    monkeypatch.setattr(device_batch, "ort", fake)
    monkeypatch.setattr(onnxruntime_engine, "cuda_runtime", lambda: None)
    return fake


@pytest.fixture
def cuda(shipped: Path) -> Open:
    """Open the shipped bundle on CUDA."""

    def opened(options: OnnxRuntimeOptions | None = None) -> OnnxRuntimeEngine:
        return OnnxRuntimeEngine(Bundle(shipped), "onnxruntime-cuda", 1, options)

    return opened


@pytest.fixture(scope="module")
def reference(shipped: Path) -> OnnxRuntimeEngine:
    return OnnxRuntimeEngine(Bundle(shipped), "onnxruntime-cpu", 1)


@pytest.fixture(scope="module")
def frames(photo: Image) -> list[Image]:
    """Four batches of one frame, 80x64."""
    return [np.ascontiguousarray(photo[None, y : y + 64, y : y + 80]) for y in range(0, 160, 40)]


def stylised_alike(
    engine: OnnxRuntimeEngine, other: OnnxRuntimeEngine, frames: list[Image]
) -> bool:
    """Whether two engines make the same of frames that come one after another."""
    made = [stylised(engine, frame) for frame in frames]
    return all(map(np.array_equal, made, (stylised(other, frame) for frame in frames)))


def stylised(engine: OnnxRuntimeEngine, frame: Image, strength: float = 1.0) -> Image:
    manifest = engine._bundle.manifest
    zeros = np.zeros((1, manifest.statistics_size), np.float32)
    zero, mix = np.zeros((1, 1), np.float32), np.full((1, 1), strength, np.float32)
    code = np.linspace(-1, 1, manifest.style_code_size, dtype=np.float32)[None]
    out = np.empty_like(frame)
    engine.stylize(frame, code, zeros, zero, mix, out)
    return out


@pytest.mark.parametrize(
    "options", [None, OnnxRuntimeOptions(cuda_graph=False), PLAIN], ids=["graph", "bound", "plain"]
)
def test_every_way_gives_the_pictures_of_the_cpu(
    runtime: FakeOnnxRuntime,
    cuda: Open,
    reference: OnnxRuntimeEngine,
    frames: list[Image],
    options: OnnxRuntimeOptions | None,
) -> None:
    engine = cuda(options)

    assert stylised_alike(engine, reference, frames)
    assert engine.name == "onnxruntime-cuda"


def test_the_second_batch_of_a_shape_is_recorded_and_the_others_played(
    runtime: FakeOnnxRuntime, cuda: Open, frames: list[Image]
) -> None:
    engine = cuda()

    for frame in frames:
        stylised(engine, frame)

    assert (runtime.recorded, runtime.played) == ([1], [1, 1])
    assert runtime.opened[-1]["enable_cuda_graph"] == "1"


def test_a_played_graph_heeds_every_input(
    runtime: FakeOnnxRuntime, cuda: Open, frames: list[Image]
) -> None:
    engine = cuda()
    for frame in frames:
        stylised(engine, frame)

    assert np.array_equal(stylised(engine, frames[0], strength=0), frames[0])


def test_shapes_take_turns_without_mixing(
    runtime: FakeOnnxRuntime, cuda: Open, reference: OnnxRuntimeEngine, frames: list[Image]
) -> None:
    engine = cuda()
    small = [np.ascontiguousarray(frame[:, :, :64]) for frame in frames]

    turns = [frames[0], frames[1], small[0], small[1], frames[2], small[2]]
    assert stylised_alike(engine, reference, turns)
    assert (runtime.recorded, runtime.played) == ([1, 2], [1, 2])


def test_pictures_that_all_differ_in_size_are_not_recorded(
    runtime: FakeOnnxRuntime, cuda: Open, frames: list[Image]
) -> None:
    engine = cuda()

    for width in range(64, 70):
        stylised(engine, np.ascontiguousarray(frames[0][:, :, :width]))

    assert runtime.recorded == []


def test_only_so_many_shapes_are_recorded(
    runtime: FakeOnnxRuntime,
    cuda: Open,
    reference: OnnxRuntimeEngine,
    frames: list[Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_runner, "GRAPHS", 1)
    engine = cuda()

    for width in (80, 64, 80):
        frame = np.ascontiguousarray(frames[0][:, :, :width])
        assert stylised_alike(engine, reference, [frame] * 3)

    assert runtime.recorded == [1]


@pytest.mark.parametrize("when", ["refuses_to_open", "refuses_to_record"])
def test_where_nothing_can_be_recorded_frames_run_all_the_same_and_the_log_says_why(
    runtime: FakeOnnxRuntime,
    cuda: Open,
    reference: OnnxRuntimeEngine,
    frames: list[Image],
    caplog: pytest.LogCaptureFixture,
    when: str,
) -> None:
    setattr(runtime, when, True)
    engine = cuda()

    assert stylised_alike(engine, reference, frames)
    (told,) = [m for m in caplog.messages if m.startswith("no CUDA graph of this network, kernels")]
    assert "partitioned" in told or "failure 900" in told
    assert runtime.opened[-1]["enable_cuda_graph"] == "0"


def test_a_batch_that_cannot_run_is_no_reason_to_give_recording_up(
    runtime: FakeOnnxRuntime, cuda: Open, frames: list[Image]
) -> None:
    engine = cuda()
    with pytest.raises(EngineError, match="ONNX Runtime failed: "):
        stylised(engine, np.zeros((1, 64, 64, 4), np.uint8))

    for frame in frames:
        stylised(engine, frame)

    assert runtime.recorded == [1]


def test_fp32_is_computed_as_fp32_unless_told_otherwise(
    runtime: FakeOnnxRuntime, cuda: Open
) -> None:
    cuda()
    assert {options["use_tf32"] for options in runtime.opened} == {"0"}

    cuda(OnnxRuntimeOptions(tf32=True))
    assert runtime.opened[-1]["use_tf32"] == "1"


def test_the_time_of_the_kernels_is_told(
    runtime: FakeOnnxRuntime, cuda: Open, reference: OnnxRuntimeEngine, frames: list[Image]
) -> None:
    engine = cuda()
    assert engine.compute_ms is None

    stylised(engine, frames[0])

    assert (engine.compute_ms or 0) > 0
    assert reference.compute_ms is None


def test_with_the_bindings_of_cuda_frames_come_back_in_one_copy(
    runtime: FakeOnnxRuntime,
    cuda: Open,
    reference: OnnxRuntimeEngine,
    frames: list[Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeCuda(CUDA[-1])
    monkeypatch.setattr(onnxruntime_engine, "cuda_runtime", lambda: fake.module)
    engine = cuda()

    for frame in frames:
        assert np.array_equal(stylised(engine, frame), stylised(reference, frame))

    assert fake.fetched == 2 * len(frames)  # pictures and statistics


def test_a_recorded_graph_without_bound_buffers_is_refused() -> None:
    with pytest.raises(OptionError, match=r"cuda_graph needs io_binding, .* or cuda_graph=False"):
        OnnxRuntimeOptions(io_binding=False)


def test_the_cpu_gives_the_same_picture_without_bound_buffers(
    shipped: Path, reference: OnnxRuntimeEngine, frames: list[Image]
) -> None:
    engine = OnnxRuntimeEngine(Bundle(shipped), "onnxruntime-cpu", 1, PLAIN)

    assert np.array_equal(stylised(engine, frames[0]), stylised(reference, frames[0]))
