"""OpenVINO: the fastest engine of CPUs, at FP32 and at INT8; also on Intel's GPUs and NPUs."""

import logging
import threading

import numpy as np

from hsi.runtime.bundle import Bundle
from hsi.runtime.compiled_graphs import CompiledGraphs
from hsi.runtime.engine import Frames, Vectors
from hsi.runtime.errors import BundleError, EngineError
from hsi.runtime.manifest import Graph
from hsi.runtime.openvino_device import NEURAL, PROCESSOR, OpenVinoDevice
from hsi.runtime.openvino_graph import OpenVinoGraph
from hsi.runtime.stylizer_inputs import stylizer_inputs

log = logging.getLogger(__name__)


class OpenVinoEngine:
    """Both graphs of a bundle in OpenVINO, the style encoder on first use and on the CPU.

    Args:
        bundle: What to run.
        threads: CPU threads.
        device: What computes frames.

    Raises:
        BundleError: A graph is not the one the manifest describes.
        EngineError: OpenVINO is not installed, has no such device, or does not take a graph.
    """

    def __init__(self, bundle: Bundle, threads: int, device: OpenVinoDevice = PROCESSOR) -> None:
        self.name = device.engine
        self._bundle = bundle
        self._threads = threads
        self._encoding = threading.Lock()
        self._style_encoder: OpenVinoGraph | None = None
        manifest = bundle.manifest
        graph = manifest.stylizer_on_cpu if device is PROCESSOR else manifest.stylizer
        self._stylizer: OpenVinoGraph | None = self._opened(graph, device)
        if device is NEURAL and bundle.manifest.stylizer.precision == "fp32":
            log.info("an NPU computes in FP16 what the graph says in FP32")

    def encode_style(self, style: Frames) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.encode_style`."""
        # One at a time: OpenVINO does not give back the memory of a graph that is running.
        with self._encoding:
            self._running()
            if self._style_encoder is None:
                graph = self._bundle.manifest.style_encoder
                self._style_encoder = self._opened(graph, by_size=False)  # a style comes once
            encoder = self._style_encoder
            codes = np.asarray(encoder.run({"style": style})["style_code"], np.float32)
            encoder.release_memory()  # several times what a frame takes, and a style comes once
        return codes

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
        feed = stylizer_inputs(frames, codes, statistics, statistics_weight, strength)
        found = self._running().run(feed, {"stylised": out})
        return np.asarray(found["statistics_used"], np.float32)

    def measure(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
    ) -> Vectors:
        """See :meth:`hsi.runtime.engine.MeasuringEngine.measure`."""
        feed = stylizer_inputs(frames, codes, statistics, statistics_weight, strength)
        found = self._running().run(feed, wanted=("statistics_used",))
        return np.asarray(found["statistics_used"], np.float32)

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`."""
        self._style_encoder = self._stylizer = None

    def _running(self) -> OpenVinoGraph:
        if self._stylizer is None:
            raise EngineError("this engine is closed: open the bundle again")
        return self._stylizer

    def _opened(
        self, graph: Graph, device: OpenVinoDevice = PROCESSOR, *, by_size: bool = True
    ) -> OpenVinoGraph:
        what = f"{self._bundle.path}: {graph.part}"
        opened = OpenVinoGraph(
            self._bundle.read(graph.part),
            self._threads,
            what,
            by_size=by_size,
            device=device,
            precision=graph.precision,
            kept=CompiledGraphs(),
        )
        told = tuple(set(names) for names in graph.names())
        if told != opened.names():
            raise BundleError(
                f"{what}: expected the tensors of the manifest, found others: export it again"
            )
        return opened
