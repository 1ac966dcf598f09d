"""An ONNX Runtime session on a device: bound buffers, and a CUDA graph for each shape."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import onnxruntime as ort

from hsi.runtime.device_batch import NO_GRAPH, DeviceBatch
from hsi.runtime.host_runner import Arrays

log = logging.getLogger(__name__)

GRAPHS = 8  # shapes with a graph of their own; each keeps its buffers until the end
Shapes = tuple[tuple[str, tuple[int, ...]], ...]
OpenSession = Callable[[bool], ort.InferenceSession]


class DeviceRunner:
    """Runs batches, one after another; calls from several threads wait for each other.

    The first batch of a shape is run by itself: pictures of a folder may all differ, and recording
    takes as long as a few runs. The second is recorded, and launched as a whole from then on. What
    cannot be recorded is run kernel by kernel, and the log says why.

    Args:
        open_session: Opens the graph, with recording allowed or not; called again without, where a
            graph cannot be recorded.
        cuda_graph: Whether to record at all.
        cudart: See :class:`hsi.runtime.device_batch.DeviceBatch`.
        device: ONNX Runtime's word for it.

    Raises:
        Exception: One of ONNX Runtime's many, from a session that does not open.
    """

    def __init__(
        self,
        open_session: OpenSession,
        cuda_graph: bool = True,
        cudart: Any = None,
        device: str = "cuda",
    ) -> None:
        self._open = open_session
        self._cudart = cudart
        self._device = device
        self._running = threading.Lock()
        self._batches: dict[Shapes, DeviceBatch] = {}
        self.records = cuda_graph  # until one cannot be recorded
        self._session = self._opened()
        self.compute_ms: float | None = None  # of the last batch's kernels, without its transfers

    def run(self, feed: Arrays, into: Arrays) -> None:
        """Run a batch. See :meth:`hsi.runtime.host_runner.HostRunner.run`."""
        with self._running:
            batch = self._batch(feed, into)
            is_new = self.records and batch.graph == NO_GRAPH and batch.has_run
            if not is_new or self._graphs() >= GRAPHS:
                self._run(batch, feed, into)
                return
            batch.graph = 1 + self._graphs()
            try:
                self._run(batch, feed, into)
            except Exception as error:
                self._give_up(error)
                self._session = self._open(False)
                self._run(self._batch(feed, into), feed, into)

    def _run(self, batch: DeviceBatch, feed: Arrays, into: Arrays) -> None:
        batch.upload(feed)
        start = time.perf_counter()
        batch.compute()
        self.compute_ms = 1e3 * (time.perf_counter() - start)
        batch.download(into)

    def _batch(self, feed: Arrays, into: Arrays) -> DeviceBatch:
        shapes = tuple((name, array.shape) for name, array in feed.items())
        if shapes not in self._batches:
            # Those with a graph stay: it writes to their addresses.
            self._batches = {k: v for k, v in self._batches.items() if v.graph != NO_GRAPH}
            self._batches[shapes] = DeviceBatch(
                self._session, self._device, feed, into, self._cudart
            )
        return self._batches[shapes]

    def _graphs(self) -> int:
        return sum(batch.graph != NO_GRAPH for batch in self._batches.values())

    def _opened(self) -> ort.InferenceSession:
        if self.records:
            try:
                return self._open(True)
            except Exception as error:
                self._give_up(error)
        return self._open(False)

    def _give_up(self, error: Exception) -> None:
        reason = " ".join(str(error).split())[:200]
        log.warning("no CUDA graph of this network, kernels are launched one by one: %s", reason)
        self.records = False
        self._batches.clear()
