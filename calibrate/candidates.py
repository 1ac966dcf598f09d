"""Graphs as candidates for the gate, on the engines that will run them."""

import os
import statistics
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec

import numpy as np
import onnx
import onnxruntime as ort

from hsi.calibrate.gate import Candidate
from hsi.calibrate.stylizer_run import StylizerRun, Vectors, statistics_size, stylizer_feed
from hsi.runtime.frame import Image
from hsi.runtime.onnxruntime_engine import PROVIDERS
from hsi.runtime.openvino_graph import OpenVinoGraph

ROUNDS = 5
PAUSE_S = 0.1  # threads of ONNX Runtime spin after a run, and slow what comes next
FRAME = (720, 1280, 3)
CUDA = "onnxruntime-cuda"


class OpenVinoRun:
    """One stylizer graph in OpenVINO on the CPU: a :class:`hsi.calibrate.gate.Candidate`.

    Raises:
        EngineError: OpenVINO does not take the graph; later, that it does not run.
    """

    name = "openvino"

    def __init__(self, model: onnx.ModelProto, threads: int | None = None) -> None:
        cores = threads or os.cpu_count() or 1
        self._graph = OpenVinoGraph(model.SerializeToString(), cores, "stylizer")
        self._size = statistics_size(model)

    def stylise(self, frame: Image, code: Vectors) -> Image:
        """See :meth:`hsi.calibrate.gate.Candidate.stylise`."""
        out = np.empty_like(frame)
        self._graph.run(stylizer_feed(frame, code, self._size), {"stylised": out[np.newaxis]})
        return out


def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return find_spec("openvino") is not None


def cuda_run(model: onnx.ModelProto) -> StylizerRun | None:
    """A graph in ONNX Runtime on CUDA, or None where that does not run.

    Raises:
        EngineError: ONNX Runtime does not take the graph.
    """
    if PROVIDERS[CUDA] not in ort.get_available_providers():
        return None
    run = StylizerRun(model, engine=CUDA)
    return run if run.name == CUDA else None


def candidates_of(model: onnx.ModelProto) -> Iterator[Candidate]:
    """A graph on every engine installed here, ONNX Runtime on the CPU first.

    Each is opened when it is asked for.

    Raises:
        EngineError: An engine does not take the graph.
    """
    yield StylizerRun(model)
    if (on_cuda := cuda_run(model)) is not None:
        yield on_cuda
    if has_openvino():
        yield OpenVinoRun(model)


def fastest_ms(candidates: Mapping[str, Candidate], code: Vectors) -> dict[str, float]:
    """Median milliseconds of a 1280x720 frame, candidates in turn so that noise hits all alike.

    Args:
        candidates: By name.
        code: A style code `(K,)`.
    """
    frame = np.random.default_rng(0).integers(0, 256, FRAME, np.uint8)
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(ROUNDS + 1):
        for name, candidate in candidates.items():
            time.sleep(PAUSE_S)
            start = time.perf_counter()
            candidate.stylise(frame, code)
            if number:  # the first of each warms up
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(found) for name, found in times.items()}
