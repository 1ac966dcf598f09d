"""OpenVINO: INT8 graphs at INT8 speed on plain CPUs."""

import logging
import threading
from typing import Any

import numpy as np

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Frames, Vectors
from hsi.runtime.errors import BundleError, EngineError
from hsi.runtime.manifest import Graph

log = logging.getLogger(__name__)

NO_MEMORY = ("bad_alloc", "bad allocation", "not enough memory", "out of memory")


class OpenVinoGraph:
    """One ONNX graph, compiled for the CPU. Calls from several threads are allowed.

    What the graph says in FP32 is computed in FP32: left alone, OpenVINO takes bfloat16 where the
    processor has it, which no parity check would let pass.

    Args:
        data: The ONNX file.
        threads: CPU threads.
        what: What to call it in messages.

    Raises:
        EngineError: OpenVINO is not installed, or does not take the graph.
    """

    def __init__(self, data: bytes, threads: int, what: str = "graph") -> None:
        try:
            import openvino
        except ImportError as error:
            raise EngineError(
                "engine openvino was asked for but OpenVINO does not load: run pip install "
                "'hsi-edge[openvino]'"
            ) from error
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            core = openvino.Core()
            self._compiled: Any = core.compile_model(core.read_model(data), "CPU", settings)
        except Exception as error:
            raise translated(error, f"{what} does not load: ") from error
        self._tensor = openvino.Tensor
        self._idle = threading.local()

    def run(self, feed: dict[str, Any], into: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the graph.

        Args:
            feed: Inputs by name, C-contiguous. Read, never written.
            into: Outputs by name for which the caller has buffers, C-contiguous. Written.

        Returns:
            The other outputs by name, the caller's own.

        Raises:
            EngineError: OpenVINO refused.
        """
        into = into or {}
        try:
            request = self._request()
            for name, value in {**feed, **into}.items():
                # Shared, not copied: the graph reads and writes the caller's memory. OpenVINO takes
                # none that is read-only, such as a style code, though it would only read it.
                shared = value.flags.writeable or name in into
                request.set_tensor(name, self._tensor(value, shared_memory=shared))
            request.infer()
            names = (next(iter(port.names)) for port in self._compiled.outputs)
            return {
                name: np.array(request.get_tensor(name).data) for name in names if name not in into
            }
        except Exception as error:
            raise translated(error) from error

    def names(self) -> tuple[set[str], set[str]]:
        """Names of the inputs and of the outputs."""
        ports = (self._compiled.inputs, self._compiled.outputs)
        inputs, outputs = ({name for port in side for name in port.names} for side in ports)
        return inputs, outputs

    def _request(self) -> Any:
        # A request holds the tensors of one call, so each thread has one of its own.
        if not hasattr(self._idle, "request"):
            self._idle.request = self._compiled.create_infer_request()
        return self._idle.request


class OpenVinoEngine:
    """Both graphs of a bundle in OpenVINO, the style encoder on first use.

    Args:
        bundle: What to run.
        threads: CPU threads.

    Raises:
        BundleError: A graph is not the one the manifest describes.
        EngineError: OpenVINO is not installed, or does not take a graph.
    """

    name = "openvino"

    def __init__(self, bundle: Bundle, threads: int) -> None:
        self._bundle = bundle
        self._threads = threads
        self._opening = threading.Lock()
        self._style_encoder: OpenVinoGraph | None = None
        self._stylizer: OpenVinoGraph | None = self._opened(bundle.manifest.stylizer)

    def encode_style(self, style: Frames) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.encode_style`."""
        with self._opening:
            self._running()
            if self._style_encoder is None:
                self._style_encoder = self._opened(self._bundle.manifest.style_encoder)
            encoder = self._style_encoder
        return np.asarray(encoder.run({"style": style})["style_code"], np.float32)

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
        feed = {
            "frame": frames,
            "style_code": codes,
            "statistics": statistics,
            "statistics_weight": statistics_weight,
            "strength": strength,
        }
        found = self._running().run(feed, {"stylised": out})
        return np.asarray(found["statistics_used"], np.float32)

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`."""
        self._style_encoder = self._stylizer = None

    def _running(self) -> OpenVinoGraph:
        if self._stylizer is None:
            raise EngineError("this engine is closed: open the bundle again")
        return self._stylizer

    def _opened(self, graph: Graph) -> OpenVinoGraph:
        what = f"{self._bundle.path}: {graph.part}"
        opened = OpenVinoGraph(self._bundle.read(graph.part), self._threads, what)
        told = tuple(set(names) for names in graph.names())
        if told != opened.names():
            raise BundleError(
                f"{what}: expected the tensors of the manifest, found others: export it again"
            )
        return opened


def translated(error: Exception, prefix: str = "") -> EngineError:
    """One of OpenVINO's exceptions as an error of ours, on one line."""
    text = " ".join(str(error).split())
    if any(words in text.lower() for words in NO_MEMORY):
        text = "out of memory: use smaller frames (--size)"
    return EngineError(f"{prefix}OpenVINO failed: {text[:300]}")
