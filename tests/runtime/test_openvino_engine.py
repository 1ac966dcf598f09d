"""OpenVINO gives what ONNX Runtime gives, and fails in one line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime import openvino_graph
from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.errors import BundleError, EngineError
from hsi.runtime.frame import Image
from hsi.runtime.onnxruntime_engine import OnnxRuntimeEngine
from hsi.runtime.openvino_engine import OpenVinoEngine
from hsi.runtime.openvino_graph import translated
from hsi.runtime.stylizer_inputs import stylizer_inputs

pytest.importorskip("openvino")
Vectors = npt.NDArray[np.float32]
Repack = Callable[..., Path]


@pytest.fixture(scope="module")
def engine(shipped: Path) -> Iterator[OpenVinoEngine]:
    engine = OpenVinoEngine(Bundle(shipped), 1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def reference(shipped: Path) -> Iterator[OnnxRuntimeEngine]:
    engine = OnnxRuntimeEngine(Bundle(shipped), "onnxruntime-cpu", 1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def frame(photo: Image) -> Image:
    return np.ascontiguousarray(photo[None, 100:180, 200:303])


@pytest.fixture(scope="module")
def code(reference: OnnxRuntimeEngine, photo: Image) -> Vectors:
    made = reference.encode_style(np.ascontiguousarray(photo[None, :96, :128]))
    made.setflags(write=False)  # as style codes are
    return made


def stylised(engine: Any, frame: Image, code: Vectors) -> tuple[Image, Vectors]:
    out = np.empty_like(frame)
    return out, engine.stylize(frame, code, *unfed(), out)


def unfed() -> tuple[Vectors, Vectors, Vectors]:
    """Statistics, their weight and a strength: a frame with statistics of its own."""
    size = Bundle(shipped_bundle()).manifest.statistics_size
    zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    return np.zeros((1, size), np.float32), zero, one


def test_the_picture_is_that_of_onnx_runtime(
    engine: OpenVinoEngine, reference: OnnxRuntimeEngine, frame: Image, code: Vectors
) -> None:
    made, used = stylised(engine, frame, code)
    wanted, wanted_used = stylised(reference, frame, code)

    assert int(np.abs(made.astype(int) - wanted).max()) <= 1
    np.testing.assert_allclose(used, wanted_used, rtol=1e-3, atol=1e-3)


def test_threads_may_encode_styles_at_once(engine: OpenVinoEngine, photo: Image) -> None:
    styles = [np.ascontiguousarray(photo[None, n : n + 64, n : n + 96]) for n in range(8)]
    wanted = [engine.encode_style(style) for style in styles]

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(engine.encode_style, styles * 3))

    assert all(map(np.array_equal, made, wanted * 3))


def test_style_codes_are_those_of_onnx_runtime(
    engine: OpenVinoEngine, photo: Image, code: Vectors
) -> None:
    made = engine.encode_style(np.ascontiguousarray(photo[None, :96, :128]))

    np.testing.assert_allclose(made, code, rtol=1e-3, atol=1e-3)


def test_each_size_gets_one_graph_of_its_own(
    shipped: Path, frame: Image, code: Vectors, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "hsi.runtime.openvino_graph")
    engine = OpenVinoEngine(Bundle(shipped), 1)
    made = [stylised(engine, frame, code)[0] for _ in range(3)]
    stylised(engine, frame[:, :64].copy(), code)
    engine.close()

    assert caplog.text.count("compiled for") == 2
    assert all(np.array_equal(one, made[0]) for one in made)


def test_frames_of_many_sizes_are_those_of_onnx_runtime(
    engine: OpenVinoEngine,
    reference: OnnxRuntimeEngine,
    frame: Image,
    code: Vectors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openvino_graph, "SIZES_KEPT", 2)
    for _ in range(2):
        for height in range(40, 43):  # one more than are kept, so each comes back after it went
            part = frame[:, :height].copy()
            made, wanted = stylised(engine, part, code)[0], stylised(reference, part, code)[0]
            assert int(np.abs(made.astype(int) - wanted).max()) <= 1


def test_statistics_alone_are_those_of_the_picture(
    engine: OpenVinoEngine, frame: Image, code: Vectors
) -> None:
    _, wanted = stylised(engine, frame, code)

    found = engine.measure(frame, code, *unfed())

    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)  # kernels may be others


def test_layers_behind_the_output_wanted_are_not_run(
    shipped: Path, frame: Image, code: Vectors
) -> None:
    graph = openvino_graph.OpenVinoGraph(Bundle(shipped).read("stylizer.onnx"), 1)
    feed = stylizer_inputs(frame, code, *unfed())
    for wanted in (None, ("statistics_used",)):
        graph.run(feed, wanted=wanted)

    whole, part = (len(one._model.get_runtime_model().get_ops()) for one in graph._sizes.values())
    assert part < 0.8 * whole


def test_statistics_are_the_callers_own(
    engine: OpenVinoEngine, frame: Image, code: Vectors
) -> None:
    _, first = stylised(engine, frame, code)
    kept = first.copy()

    stylised(engine, np.zeros_like(frame), code)

    assert np.array_equal(first, kept)


def test_threads_do_not_mix_their_frames(
    engine: OpenVinoEngine, frame: Image, code: Vectors
) -> None:
    frames = [frame, 255 - frame, frame[:, ::-1].copy()]
    wanted = [stylised(engine, one, code)[0] for one in frames]
    made: dict[int, Image] = {}

    def work(number: int) -> None:
        for _ in range(3):
            made[number] = stylised(engine, frames[number], code)[0]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(np.array_equal(made[number], wanted[number]) for number in range(3))


def test_a_closed_engine_says_so(shipped: Path, frame: Image, code: Vectors) -> None:
    engine = OpenVinoEngine(Bundle(shipped), 1)
    engine.close()

    with pytest.raises(EngineError, match="this engine is closed: open the bundle again"):
        stylised(engine, frame, code)


def test_a_graph_that_is_none_is_refused_by_name(
    shipped: Path, repack: Repack, tmp_path: Path
) -> None:
    parts = {"stylizer.cpu.onnx": b"no graph"}
    path = repack(shipped, tmp_path / "a.hsi", parts=parts, rehash=True)

    with pytest.raises(EngineError, match=r"a\.hsi: stylizer\.cpu\.onnx does not load: OpenVINO"):
        OpenVinoEngine(Bundle(path), 1)


def test_a_graph_with_other_tensors_is_refused(
    shipped: Path, repack: Repack, tmp_path: Path
) -> None:
    encoder = Bundle(shipped).read("style_encoder.onnx")
    path = repack(shipped, tmp_path / "a.hsi", parts={"stylizer.cpu.onnx": encoder}, rehash=True)

    with pytest.raises(BundleError, match="expected the tensors of the manifest, found others"):
        OpenVinoEngine(Bundle(path), 1)


def test_a_missing_openvino_names_its_extra(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)

    with pytest.raises(EngineError, match=r"does not load: run pip install 'hsi-edge\[openvino\]'"):
        OpenVinoEngine(Bundle(shipped), 1)


def test_a_wrong_shape_is_one_line(engine: OpenVinoEngine, frame: Image) -> None:
    with pytest.raises(EngineError, match=r"^OpenVINO failed: [^\n]*$"):
        stylised(engine, frame, np.zeros((1, 5), np.float32))


def test_want_of_memory_says_what_to_do() -> None:
    with pytest.raises(EngineError, match=r"out of memory: use smaller frames \(--size\)"):
        raise translated(RuntimeError("std::bad_alloc"))


def test_a_request_outlives_the_thread_that_made_it() -> None:
    made: list[object] = []

    class Model:
        def create_infer_request(self) -> object:
            made.append(object())
            return made[-1]

    compiled = openvino_graph._Compiled(Model())
    taken: list[object] = []

    def call() -> None:
        with compiled.request() as request:
            taken.append(request)

    for _ in range(2):  # one thread after the other: the first one's end takes nothing down
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    with compiled.request() as one, compiled.request() as other:
        assert one is not other

    assert taken == [made[0]] * 2
    assert len(made) == 2
