"""One batch of one shape on its way through the device."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import EngineError
from hsi.runtime.trt.bindings import made
from hsi.runtime.trt.context import bind_address, bind_shapes, execute
from hsi.runtime.trt.cuda import Buffer, Mark, Recording, Streams

log = logging.getLogger(__name__)

Arrays = Mapping[str, npt.NDArray[Any]]


class Lane:
    """Buffers of fixed shapes, and the execution context and CUDA graph that know their addresses.

    Args:
        trt: The bindings.
        cudart: ``cuda.bindings.runtime``.
        engine: An engine of TensorRT's.
        feed: Inputs of the shapes and types to come.
        into: Likewise outputs.

    Raises:
        EngineError: The shapes are outside of the engine's profile, or memory is short.
    """

    def __init__(self, trt: Any, cudart: Any, engine: Any, feed: Arrays, into: Arrays) -> None:
        self._cudart = cudart
        self._buffers: dict[str, Buffer] = {}
        self._marks: list[Mark] = []
        self._recording: Recording | None = None
        self._warm = False
        try:
            self._context = made("execution context", engine.create_execution_context)
            for name, array in {**feed, **into}.items():
                self._buffers[name] = Buffer(cudart, array.shape, array.dtype)
            self._uploaded, self._downloaded = self._mark(), self._mark()
            self._starting, self._computed = self._mark(timed=True), self._mark(timed=True)
            self._bind(feed, into)
        except EngineError:
            self.close()
            raise

    def enqueue(self, feed: Arrays, streams: Streams) -> None:
        """Take a batch in and enqueue all work on it."""
        for name, array in feed.items():
            np.copyto(self._buffers[name].host, array)
            self._buffers[name].upload(streams.upload)
        self._uploaded.record(streams.upload)
        self._uploaded.hold(streams.compute)
        self._starting.record(streams.compute)
        self._compute(streams)
        self._computed.record(streams.compute)
        self._computed.hold(streams.download)
        for name in self._outputs:
            self._buffers[name].download(streams.download)
        self._downloaded.record(streams.download)

    def collect(self, into: Arrays) -> None:
        """Wait for the batch enqueued last, and hand it out."""
        self._downloaded.wait()
        for name, array in into.items():
            np.copyto(array, self._buffers[name].host)

    def compute_ms(self) -> float:
        """What the kernels of the batch collected last took, without its way there and back."""
        return self._starting.ms_until(self._computed)

    def close(self) -> None:
        """Give everything back."""
        if self._recording is not None:
            self._recording.close()
        for mark in self._marks:
            mark.close()
        for buffer in self._buffers.values():
            buffer.close()
        self._recording, self._marks, self._buffers, self._context = None, [], {}, None

    def _mark(self, timed: bool = False) -> Mark:
        self._marks.append(Mark(self._cudart, timed))
        return self._marks[-1]

    def _bind(self, feed: Arrays, into: Arrays) -> None:
        self._outputs = tuple(into)
        bind_shapes(
            self._context,
            {name: array.shape for name, array in feed.items()},
            {name: array.shape for name, array in into.items()},
        )
        for name, buffer in self._buffers.items():
            bind_address(self._context, name, int(buffer.device or 0))

    def _compute(self, streams: Streams) -> None:
        if self._recording is not None:
            self._recording.launch(streams.compute)
            return
        # The first run allocates, which cannot be recorded; the second is recorded.
        self._execute(streams.compute)
        if self._warm:
            return
        self._warm = True
        streams.wait(streams.compute)
        try:
            self._recording = Recording(
                self._cudart, streams.compute, lambda: self._execute(streams.compute)
            )
        except EngineError as error:
            log.info("no CUDA graph of this engine, kernels are launched one by one: %s", error)

    def _execute(self, stream: Any) -> None:
        execute(self._context, stream)
