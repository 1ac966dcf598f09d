"""A CUDA that runs on the processor, with the names of the real bindings alone.

Whatever a caller touches must be in the surface dumped of a real version, and each call must fit an
overload listed there; else AttributeError or TypeError, as from the real thing.
"""

from __future__ import annotations

import ctypes
import threading
import types
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.runtime.trt.surface import enumeration, fits, surface_of


class Stream:
    """Work in order, done no sooner than someone waits for it."""

    def __init__(self) -> None:
        self.work: deque[Callable[[], object]] = deque()
        self.done = 0
        self.captured: list[Callable[[], object]] | None = None

    def advance(self, until: int) -> None:
        while self.done < until:
            self.done += 1
            self.work.popleft()()

    @property
    def end(self) -> int:
        return self.done + len(self.work)


class FakeCuda:
    """``cuda.bindings.runtime`` on the processor. Work that nobody waits for is never done.

    Args:
        title: Of the dumped surface.
    """

    def __init__(self, title: str) -> None:
        self.surface = surface_of(title)
        self.memory: dict[int, Any] = {}
        self.streams: dict[int, Stream] = {}
        self.events: dict[int, tuple[Stream, int] | None] = {}
        self.graphs: dict[int, list[Callable[[], object]]] = {}
        self.launches = 0
        self.synchronised = 0
        self.fetched = 0
        self.short_of_memory = False
        self.no_capture = False
        self._number = 0
        self._one_at_a_time = threading.RLock()
        self.module = types.ModuleType("cuda.bindings.runtime")
        for name, members in self.surface["enums"].items():
            setattr(self.module, name, enumeration(name, members))
        for name in self.surface["values"]:
            setattr(self.module, name, 1)
        for name, overloads in self.surface["functions"].items():
            setattr(self.module, name, self._function(name, overloads))

    def _function(self, name: str, overloads: list[list[str]]) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if not fits(overloads, arguments, named):
                raise TypeError(f"{name}(): expected {overloads}")
            with self._one_at_a_time:
                result = getattr(self, f"_{name}")(*arguments, **named)
            if isinstance(result, tuple):
                return result
            return (self.module.cudaError_t.cudaSuccess, *([] if result is None else [result]))

        return call

    @property
    def live(self) -> int:
        """Things not given back."""
        return sum(map(len, (self.memory, self.streams, self.events, self.graphs)))

    def array(self, address: int, shape: tuple[int, ...], dtype: Any) -> Any:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        raw = np.frombuffer((ctypes.c_uint8 * size).from_address(address), np.uint8)
        return raw.view(dtype).reshape(shape)

    def enqueue(self, handle: int, work: Callable[[], object]) -> None:
        stream = self.streams[handle]
        (stream.work if stream.captured is None else stream.captured).append(work)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _cudaMalloc(self, size: int) -> Any:
        if self.short_of_memory:
            return (self.module.cudaError_t.cudaErrorMemoryAllocation, None)
        block = (ctypes.c_uint8 * size)(*([0xA5] * min(size, 64)))
        self.memory[ctypes.addressof(block)] = block
        return ctypes.addressof(block)

    _cudaMallocHost = _cudaMalloc

    def _cudaFree(self, devPtr: int) -> None:
        del self.memory[devPtr]

    def _cudaFreeHost(self, ptr: int) -> None:
        del self.memory[ptr]

    def _cudaMemcpy(self, dst: int, src: int, count: int, kind: Any) -> None:
        self.fetched += 1
        ctypes.memmove(dst, src, count)

    def _cudaMemcpyAsync(self, dst: int, src: int, count: int, kind: Any, stream: int) -> None:
        self.enqueue(stream, partial(ctypes.memmove, dst, src, count))

    def _cudaStreamCreateWithFlags(self, flags: int) -> int:
        number = self._next()
        self.streams[number] = Stream()
        return number

    def _cudaStreamSynchronize(self, stream: int) -> None:
        self.streams[stream].advance(self.streams[stream].end)

    def _cudaStreamDestroy(self, stream: int) -> None:
        del self.streams[stream]

    def _cudaStreamWaitEvent(self, stream: int, event: int, flags: int) -> None:
        if (point := self.events[event]) is not None:
            self.enqueue(stream, lambda: point[0].advance(point[1]))

    def _cudaEventCreateWithFlags(self, flags: int) -> int:
        number = self._next()
        self.events[number] = None
        return number

    def _cudaDeviceSynchronize(self) -> None:
        self.synchronised += 1
        for number in list(self.streams):
            self._cudaStreamSynchronize(number)

    def _cudaEventRecord(self, event: int, stream: int) -> None:
        self.events[event] = (self.streams[stream], self.streams[stream].end)

    def _cudaEventSynchronize(self, event: int) -> None:
        if (point := self.events[event]) is not None:
            point[0].advance(point[1])

    def _cudaEventElapsedTime(self, start: int, end: int) -> float:
        for event in (start, end):
            point = self.events[event]
            assert point is not None and point[0].done >= point[1], "asked before it was reached"
        return 1.5

    def _cudaMemGetInfo(self) -> Any:
        return (self.module.cudaError_t.cudaSuccess, 3 << 20, 8 << 20)

    def _cudaEventDestroy(self, event: int) -> None:
        del self.events[event]

    def _cudaStreamBeginCapture(self, stream: int, mode: Any) -> None:
        assert not self.streams[stream].work, "work before a capture must be waited for"
        self.streams[stream].captured = []

    def _cudaStreamEndCapture(self, stream: int) -> Any:
        work, self.streams[stream].captured = self.streams[stream].captured, None
        if self.no_capture:
            return (self.module.cudaError_t.cudaErrorStreamCaptureUnsupported, None)
        number = self._next()
        self.graphs[number] = work or []
        return number

    def _cudaGraphInstantiate(self, graph: int, flags: int) -> int:
        number = self._next()
        self.graphs[number] = self.graphs[graph]
        return number

    def _cudaGraphDestroy(self, graph: int) -> None:
        del self.graphs[graph]

    _cudaGraphExecDestroy = _cudaGraphDestroy

    def _cudaGraphLaunch(self, graphExec: int, stream: int) -> None:
        self.launches += 1
        for work in self.graphs[graphExec]:
            self.enqueue(stream, work)

    def _cudaGetErrorName(self, error: Any) -> Any:
        return (self.module.cudaError_t.cudaSuccess, error.name.encode())
