from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

from hsi.runtime import onnxruntime_engine
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import BundleError, EngineError
from hsi.runtime.frame import Image
from hsi.runtime.onnxruntime_engine import OnnxRuntimeEngine, translated

Repack = Callable[..., Path]
Run = Callable[..., tuple[Image, npt.NDArray[np.float32]]]


@pytest.fixture(scope="module")
def engine(shipped: Path) -> Iterator[OnnxRuntimeEngine]:
    engine = OnnxRuntimeEngine(Bundle(shipped), "onnxruntime-cpu", 1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def frames(photo: Image) -> Image:
    """Two frames of 103x80."""
    return np.stack([photo[100:180, 200:303], photo[300:380, 400:503]])


@pytest.fixture(scope="module")
def codes(engine: OnnxRuntimeEngine, photo: Image) -> npt.NDArray[np.float32]:
    """The codes of two pictures of one size."""
    return engine.encode_style(np.stack([photo[:96, :128], photo[200:296, 500:628]]))


@pytest.fixture(scope="module")
def run(shipped: Path) -> Run:
    def run(
        engine: OnnxRuntimeEngine, frames: Image, codes: npt.NDArray[np.float32]
    ) -> tuple[Image, npt.NDArray[np.float32]]:
        count, out = len(frames), np.empty_like(frames)
        fed = np.zeros((count, Bundle(shipped).manifest.statistics_size), np.float32)
        zero, one = np.zeros((count, 1), np.float32), np.ones((count, 1), np.float32)
        return out, engine.stylize(frames, codes, fed, zero, one, out)

    return run


def test_a_batch_gives_what_its_frames_give_alone(
    engine: OnnxRuntimeEngine, frames: Image, codes: npt.NDArray[np.float32], run: Run
) -> None:
    together, statistics = run(engine, frames, codes)
    assert not np.array_equal(codes[0], codes[1])
    for number in range(2):
        alone, used = run(engine, frames[number : number + 1], codes[number : number + 1])
        assert np.abs(alone[0].astype(int) - together[number]).max() <= 1
        np.testing.assert_allclose(used[0], statistics[number], rtol=1e-3, atol=1e-3)


def test_it_gives_what_a_bare_session_gives(
    engine: OnnxRuntimeEngine,
    shipped: Path,
    frames: Image,
    codes: npt.NDArray[np.float32],
    run: Run,
) -> None:
    bundle = Bundle(shipped)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        bundle.read("stylizer.onnx"), options, providers=["CPUExecutionProvider"]
    )
    feed = {
        "frame": frames,
        "style_code": codes,
        "statistics": np.zeros((2, bundle.manifest.statistics_size), np.float32),
        "statistics_weight": np.zeros((2, 1), np.float32),
        "strength": np.ones((2, 1), np.float32),
    }
    wanted, _ = session.run(["stylised", "statistics_used"], feed)
    made, _ = run(engine, frames, codes)
    assert np.array_equal(made, wanted)


def test_two_results_do_not_share_memory(
    engine: OnnxRuntimeEngine, frames: Image, codes: npt.NDArray[np.float32], run: Run
) -> None:
    first, first_statistics = run(engine, frames[:1], codes[:1])
    kept = first_statistics.copy()
    _, second_statistics = run(engine, frames[1:], codes[1:])
    assert not np.shares_memory(first_statistics, second_statistics)
    assert np.array_equal(first_statistics, kept)
    assert not np.array_equal(first_statistics, second_statistics)
    assert first.any()


def test_read_only_frames_are_read(
    engine: OnnxRuntimeEngine, frames: Image, codes: npt.NDArray[np.float32], run: Run
) -> None:
    frozen = frames.copy()
    frozen.setflags(write=False)
    assert np.array_equal(run(engine, frozen, codes)[0], run(engine, frames, codes)[0])
    assert np.array_equal(frozen, frames)


def test_threads_may_share_it(
    engine: OnnxRuntimeEngine, frames: Image, codes: npt.NDArray[np.float32], run: Run
) -> None:
    wanted = [run(engine, frames[n : n + 1], codes[n : n + 1])[0] for n in range(2)]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            made, _ = run(engine, frames[number : number + 1], codes[number : number + 1])
            if not np.array_equal(made, wanted[number]):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_tensors_of_a_wrong_size_are_one_line(
    engine: OnnxRuntimeEngine, frames: Image, codes: npt.NDArray[np.float32], run: Run
) -> None:
    with pytest.raises(EngineError, match="ONNX Runtime failed: ") as caught:
        run(engine, frames, codes[:, :-1].copy())
    assert "\n" not in str(caught.value)
    with pytest.raises(EngineError, match="ONNX Runtime failed: "):
        engine.encode_style(np.zeros((1, 64, 64, 4), np.uint8))


def test_a_closed_engine_says_so(
    shipped: Path, frames: Image, codes: npt.NDArray[np.float32], run: Run
) -> None:
    engine = OnnxRuntimeEngine(Bundle(shipped), "auto", 1)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="this engine is closed"):
        run(engine, frames, codes)
    with pytest.raises(EngineError, match="this engine is closed"):
        engine.encode_style(frames)


def test_a_graph_that_is_none_does_not_load(small_bundle: Path) -> None:
    match = r"small\.hsi: stylizer\.onnx does not load: ONNX Runtime failed: "
    with pytest.raises(EngineError, match=match) as caught:
        OnnxRuntimeEngine(Bundle(small_bundle), "auto", 1)
    assert "\n" not in str(caught.value)


def test_a_graph_with_other_tensors_than_the_manifest_says(
    shipped: Path, tmp_path: Path, repack: Repack
) -> None:
    bundle = Bundle(shipped)
    swapped = {"stylizer.onnx": bundle.read("style_encoder.onnx")}
    path = repack(shipped, tmp_path / "swapped.hsi", parts=swapped, rehash=True)
    with pytest.raises(BundleError, match=r"expected stylizer\.onnx to have the tensors of the"):
        OnnxRuntimeEngine(Bundle(path), "auto", 1)


@pytest.mark.parametrize(
    ("place", "value"), [("dtype", "int8"), ("shape", ["N", "H", "W", 4]), ("shape", ["N"])]
)
def test_a_manifest_that_describes_another_graph(
    shipped: Path, tmp_path: Path, repack: Repack, place: str, value: Any
) -> None:
    def lie(values: dict[str, Any]) -> None:
        values["stylizer"]["inputs"][0][place] = value

    path = repack(shipped, tmp_path / "lie.hsi", edit=lie)
    with pytest.raises(BundleError, match=r"expected stylizer\.onnx to have the tensors of the"):
        OnnxRuntimeEngine(Bundle(path), "auto", 1)


class _CpuAlone:
    """A session that was asked for CUDA and fell back, as ONNX Runtime does without a word."""

    def __init__(self, data: bytes, options: Any, providers: list[str]) -> None:
        self._real = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def cuda_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    class Runtime:
        InferenceSession = _CpuAlone
        SessionOptions = ort.SessionOptions

        @staticmethod
        def get_available_providers() -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    monkeypatch.setattr(onnxruntime_engine, "ort", Runtime)


@pytest.mark.usefixtures("cuda_falls_back")
def test_an_engine_asked_for_by_name_never_becomes_another(shipped: Path) -> None:
    match = "onnxruntime-cuda was asked for but ONNX Runtime fell back to onnxruntime-cpu: check"
    with pytest.raises(EngineError, match=match):
        OnnxRuntimeEngine(Bundle(shipped), "onnxruntime-cuda", 1)


@pytest.mark.usefixtures("cuda_falls_back")
def test_auto_takes_the_cpu_and_says_so(shipped: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = OnnxRuntimeEngine(Bundle(shipped), "auto", 1)
    assert engine.name == "onnxruntime-cpu"
    assert "CUDAExecutionProvider does not run here: using onnxruntime-cpu" in caplog.text


def test_want_of_memory_is_told_in_plain_words() -> None:
    fault = RuntimeError("BFCArena::AllocateRaw\nFailed to allocate memory for requested buffer")
    assert str(translated(fault)) == (
        "ONNX Runtime failed: out of memory: use smaller frames (--size)"
    )


def test_other_faults_keep_their_words_on_one_line() -> None:
    text = str(translated(RuntimeError("shape of pre-allocated\n  buffer " + "x" * 999), "here: "))
    assert text.startswith("here: ONNX Runtime failed: shape of pre-allocated buffer xxx")
    assert len(text) < 400
