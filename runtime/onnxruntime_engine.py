"""ONNX Runtime: the reference engine, on CPUs and through CUDA."""

import logging
import threading
from functools import partial
from typing import Any

import numpy as np
import onnxruntime as ort

from hsi.runtime.bundle import Bundle
from hsi.runtime.device_runner import DeviceRunner
from hsi.runtime.engine import Frames, Vectors
from hsi.runtime.errors import BundleError, EngineError
from hsi.runtime.host_runner import HostRunner
from hsi.runtime.manifest import Graph, Tensor
from hsi.runtime.onnxruntime_options import OnnxRuntimeOptions
from hsi.runtime.stylizer_inputs import stylizer_inputs
from hsi.runtime.trt.cuda import load_cuda

log = logging.getLogger(__name__)

CUDA = "onnxruntime-cuda"
PROVIDERS = {CUDA: "CUDAExecutionProvider", "onnxruntime-cpu": "CPUExecutionProvider"}
DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
NO_MEMORY = ("failed to allocate memory", "bad_alloc", "bad allocation", "out of memory")


class OnnxRuntimeEngine:
    """Both graphs as ONNX Runtime sessions, opened on first use for the style encoder.

    Args:
        bundle: What to run.
        engine: ``auto`` or a name in ``PROVIDERS``.
        threads: CPU threads within an operator.
        options: How batches come to it and are run.

    Raises:
        BundleError: A graph is not the one the manifest describes.
        EngineError: A graph does not load, or the provider asked for does not run here.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: str,
        threads: int,
        options: OnnxRuntimeOptions | None = None,
    ) -> None:
        self._bundle = bundle
        self._threads = threads
        self._options = options or OnnxRuntimeOptions()
        self._wanted = providers(engine)
        self._opening = threading.Lock()
        self._style_encoder: ort.InferenceSession | None = None
        session = self._session(bundle.manifest.stylizer)
        runs = session.get_providers()[0]
        self.name = next((k for k, v in PROVIDERS.items() if v == runs), runs)
        if engine not in ("auto", self.name):
            raise EngineError(
                f"engine {engine} was asked for but ONNX Runtime fell back to {self.name}: check "
                "the CUDA and cuDNN libraries, or ask for --engine auto"
            )
        if runs != self._wanted[0]:
            log.warning("%s does not run here: using %s", self._wanted[0], self.name)
        self._stylizer: HostRunner | DeviceRunner | None = self._runner(session)

    @property
    def compute_ms(self) -> float | None:
        """Milliseconds of the last batch on a device without its transfers; None on the CPU."""
        return None if self._stylizer is None else self._stylizer.compute_ms

    def encode_style(self, style: Frames) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.encode_style`."""
        with self._opening:
            self._opened()
            if self._style_encoder is None:
                self._style_encoder = self._session(self._bundle.manifest.style_encoder)
            session = self._style_encoder
        try:
            codes = session.run(["style_code"], {"style": style})[0]
        except Exception as error:
            raise translated(error) from error
        return np.asarray(codes, np.float32)

    def stylize(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Frames,
    ) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.stylize`."""
        runner = self._opened()
        used = np.empty_like(statistics)
        feed = stylizer_inputs(frames, codes, statistics, statistics_weight, strength)
        try:
            runner.run(feed, {"stylised": out, "statistics_used": used})
        except Exception as error:
            raise translated(error) from error
        return used

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`."""
        self._style_encoder = self._stylizer = None

    def _opened(self) -> HostRunner | DeviceRunner:
        if self._stylizer is None:
            raise EngineError("this engine is closed: open the bundle again")
        return self._stylizer

    def _runner(self, session: ort.InferenceSession) -> HostRunner | DeviceRunner:
        if self.name != CUDA or not self._options.io_binding:
            return HostRunner(session, self._options.io_binding)
        graph = self._bundle.manifest.stylizer
        return DeviceRunner(partial(self._session, graph), self._options.cuda_graph, cuda_runtime())

    def _session(self, graph: Graph, records: bool = False) -> ort.InferenceSession:
        data = self._bundle.read(graph.part)
        wanted = [(name, self._options.of_provider(name, records)) for name in self._wanted]
        try:
            session = open_session(data, wanted, self._threads)
        except Exception as error:
            raise translated(error, f"{self._bundle.path}: {graph.part} does not load: ") from error
        self._check_borders(graph, session)
        return session

    def _check_borders(self, graph: Graph, session: ort.InferenceSession) -> None:
        told = [*graph.inputs, *graph.outputs]
        found = [*session.get_inputs(), *session.get_outputs()]
        if len(told) != len(found) or not all(map(_same, told, found)):
            raise BundleError(
                f"{self._bundle.path}: expected {graph.part} to have the tensors of the manifest, "
                f"found {', '.join(f'{v.name} {v.shape}' for v in found)[:200]}: export it again"
            )


def open_session(
    data: bytes, wanted: list[tuple[str, dict[str, str]]], threads: int
) -> ort.InferenceSession:
    """A graph on the first of some providers that runs here.

    Args:
        data: The ONNX file.
        wanted: Providers with their options, best first.
        threads: CPU threads within an operator.

    Raises:
        Exception: One of ONNX Runtime's many.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(data, options, providers=wanted)


def cuda_runtime() -> Any:
    """``cuda.bindings.runtime``, or None where it is not installed."""
    try:
        return load_cuda()
    except EngineError:
        log.info("frames come from the GPU by way of one copy more: install cuda-bindings")
        return None


def translated(error: Exception, prefix: str = "") -> EngineError:
    """One of ONNX Runtime's many exceptions as an error of ours, on one line."""
    text = " ".join(str(error).split())
    if any(words in text.lower() for words in NO_MEMORY):
        text = "out of memory: use smaller frames (--size)"
    return EngineError(f"{prefix}ONNX Runtime failed: {text[:300]}")


def _same(told: Tensor, found: ort.NodeArg) -> bool:
    known = [
        (a, b)
        for a, b in zip(told.shape, found.shape, strict=False)
        if isinstance(a, int) or isinstance(b, int)
    ]
    return (
        (told.name, told.dtype) == (found.name, DTYPES.get(found.type))
        and len(told.shape) == len(found.shape)
        and all(a == b for a, b in known)
    )


def providers(engine: str) -> list[str]:
    """ONNX Runtime's names of what can run an engine's graphs here, best first.

    Raises:
        EngineError: This build has none for it.
    """
    available = ort.get_available_providers()
    if engine == "auto":
        return [p for p in PROVIDERS.values() if p in available]
    if PROVIDERS[engine] not in available:
        raise EngineError(
            f"engine {engine} is not in this build of ONNX Runtime, which has "
            f"{', '.join(available)}: install 'hsi-edge[gpu]' instead of 'hsi-edge[cpu]'"
        )
    return [PROVIDERS[engine]]
