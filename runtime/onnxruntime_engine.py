"""ONNX Runtime: the reference engine, on CPUs and through CUDA."""

import logging
import threading

import numpy as np
import onnxruntime as ort

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Frames, Vectors
from hsi.runtime.errors import BundleError, EngineError
from hsi.runtime.manifest import Graph, Tensor

log = logging.getLogger(__name__)

PROVIDERS = {"onnxruntime-cuda": "CUDAExecutionProvider", "onnxruntime-cpu": "CPUExecutionProvider"}
DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
NO_MEMORY = ("failed to allocate memory", "bad_alloc", "bad allocation", "out of memory")


class OnnxRuntimeEngine:
    """Both graphs as ONNX Runtime sessions, opened on first use for the style encoder.

    Args:
        bundle: What to run.
        engine: ``auto`` or a name in ``PROVIDERS``.
        threads: CPU threads within an operator.

    Raises:
        BundleError: A graph is not the one the manifest describes.
        EngineError: A graph does not load, or the provider asked for does not run here.
    """

    def __init__(self, bundle: Bundle, engine: str, threads: int) -> None:
        self._bundle = bundle
        self._threads = threads
        self._wanted = providers(engine)
        self._opening = threading.Lock()
        self._style_encoder: ort.InferenceSession | None = None
        self._stylizer: ort.InferenceSession | None = self._session(bundle.manifest.stylizer)
        runs = self._stylizer.get_providers()[0]
        self.name = next((k for k, v in PROVIDERS.items() if v == runs), runs)
        if engine not in ("auto", self.name):
            raise EngineError(
                f"engine {engine} was asked for but ONNX Runtime fell back to {self.name}: check "
                "the CUDA and cuDNN libraries, or ask for --engine auto"
            )
        if runs != self._wanted[0]:
            log.warning("%s does not run here: using %s", self._wanted[0], self.name)

    def encode_style(self, style: Frames) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.encode_style`."""
        with self._opening:
            self._opened(self._stylizer)
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
        session = self._opened(self._stylizer)
        used = np.empty_like(statistics)
        try:
            binding = session.io_binding()
            binding.bind_cpu_input("frame", frames)
            binding.bind_cpu_input("style_code", codes)
            binding.bind_cpu_input("statistics", statistics)
            binding.bind_cpu_input("statistics_weight", statistics_weight)
            binding.bind_cpu_input("strength", strength)
            # Bound by address, so the last operator writes where the caller wants it.
            for name, buffer in (("stylised", out), ("statistics_used", used)):
                binding.bind_output(name, "cpu", 0, buffer.dtype, buffer.shape, buffer.ctypes.data)
            session.run_with_iobinding(binding)
        except Exception as error:
            raise translated(error) from error
        return used

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`."""
        self._style_encoder = self._stylizer = None

    def _opened(self, session: ort.InferenceSession | None) -> ort.InferenceSession:
        if session is None:
            raise EngineError("this engine is closed: open the bundle again")
        return session

    def _session(self, graph: Graph) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        data = self._bundle.read(graph.part)
        try:
            session = ort.InferenceSession(data, options, providers=self._wanted)
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
