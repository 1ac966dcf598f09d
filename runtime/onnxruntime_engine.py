"""ONNX Runtime: the reference engine, on CPUs and through CUDA."""

import logging
from typing import Any

import numpy as np
import onnxruntime as ort

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Frames, Vectors
from hsi.runtime.errors import EngineError

log = logging.getLogger(__name__)

PROVIDERS = {"onnxruntime-cuda": "CUDAExecutionProvider", "onnxruntime-cpu": "CPUExecutionProvider"}


class OnnxRuntimeEngine:
    """Both graphs as ONNX Runtime sessions, opened on first use for the style encoder.

    Args:
        bundle: What to run.
        engine: ``auto`` or a name in ``PROVIDERS``.
        threads: CPU threads within an operator.

    Raises:
        EngineError: A graph does not load, or the provider asked for does not run here.
    """

    def __init__(self, bundle: Bundle, engine: str, threads: int) -> None:
        self._bundle = bundle
        self._threads = threads
        self._wanted = self._providers(engine)
        self._stylizer = self._session(bundle.manifest.stylizer.part)
        self._style_encoder: ort.InferenceSession | None = None
        runs = self._stylizer.get_providers()[0]
        self.name = next((k for k, v in PROVIDERS.items() if v == runs), runs)
        if engine not in ("auto", self.name):
            raise EngineError(
                f"engine {engine} was asked for but ONNX Runtime fell back to {self.name}: check the "
                "CUDA and cuDNN libraries, or ask for --engine auto"
            )

    def encode_style(self, style: Frames) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.encode_style`."""
        if self._style_encoder is None:
            self._style_encoder = self._session(self._bundle.manifest.style_encoder.part)
        try:
            codes = self._style_encoder.run(None, {"style": style})[0]
        except Exception as error:
            raise _translated(error) from error
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
        binding = self._stylizer.io_binding()
        binding.bind_cpu_input("frame", frames)
        binding.bind_cpu_input("style_code", codes)
        binding.bind_cpu_input("statistics", statistics)
        binding.bind_cpu_input("statistics_weight", statistics_weight)
        binding.bind_cpu_input("strength", strength)
        used = np.empty_like(statistics)
        # Bound by address, so the last operator writes where the caller wants it.
        for name, buffer in (("stylised", out), ("statistics_used", used)):
            binding.bind_output(name, "cpu", 0, buffer.dtype, buffer.shape, buffer.ctypes.data)
        try:
            self._stylizer.run_with_iobinding(binding)
        except Exception as error:
            raise _translated(error) from error
        return used

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`."""
        self._style_encoder = None
        del self._stylizer

    def _providers(self, engine: str) -> list[str]:
        available = ort.get_available_providers()
        if engine == "auto":
            return [p for p in PROVIDERS.values() if p in available]
        if PROVIDERS[engine] not in available:
            raise EngineError(
                f"engine {engine} is not in this build of ONNX Runtime, which has "
                f"{', '.join(available)}: install 'hsi-edge[gpu]' instead of 'hsi-edge[cpu]'"
            )
        return [PROVIDERS[engine]]

    def _session(self, part: str) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        data = self._bundle.read(part)
        try:
            return ort.InferenceSession(data, options, providers=self._wanted)
        except Exception as error:
            raise _translated(error, f"{self._bundle.path}: {part} does not load: ") from error


def _translated(error: Exception, prefix: str = "") -> EngineError:
    """ONNX Runtime's many exceptions as one, on one line."""
    text = " ".join(str(error).split())
    what: Any = "out of memory: lower --size" if "alloc" in text.lower() else text[:300]
    return EngineError(f"{prefix}ONNX Runtime failed: {what}")
