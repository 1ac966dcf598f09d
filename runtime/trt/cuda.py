"""Memory, streams and graphs of CUDA, each given back when closed."""

import ctypes
import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import EngineError

Bytes = npt.NDArray[np.uint8]


def load_cuda() -> Any:
    """The module ``cuda.bindings.runtime``.

    Raises:
        EngineError: It is not installed or does not load.
    """
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise EngineError(
            f"engine tensorrt: the Python package cuda-bindings does not load ({error}): run pip "
            "install 'hsi-edge[tensorrt]'"
        ) from error


def checked(cudart: Any, result: tuple[Any, ...]) -> Any:
    """The value of a call, or None where it has none.

    Raises:
        EngineError: The call failed.
    """
    error, *values = result
    if error == cudart.cudaError_t.cudaErrorMemoryAllocation:
        raise EngineError("CUDA failed: out of memory: use smaller frames (--size)")
    if error != cudart.cudaError_t.cudaSuccess:
        _, name = cudart.cudaGetErrorName(error)
        text = name.decode() if isinstance(name, bytes) else str(name)
        raise EngineError(f"CUDA failed: {text}")
    return values[0] if values else None


def fetch(cudart: Any, address: int, into: npt.NDArray[Any]) -> None:
    """Copy from the device into a C-contiguous array, and wait until it is there.

    Raises:
        EngineError: The copy failed.
    """
    kind = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
    checked(cudart, cudart.cudaMemcpy(into.ctypes.data, address, into.nbytes, kind))


class Buffer:
    """One tensor: pinned memory on the host, and memory on the device.

    Args:
        cudart: ``cuda.bindings.runtime``.
        shape: Of the tensor.
        dtype: Of its elements.
    """

    def __init__(self, cudart: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._cudart = cudart
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._size = max(size, 1)  # an empty tensor has an address too
        self._host = checked(cudart, cudart.cudaMallocHost(self._size))
        self.device = None
        try:
            self.device = checked(cudart, cudart.cudaMalloc(self._size))
        except EngineError:
            self.close()
            raise
        pinned = (ctypes.c_uint8 * self._size).from_address(int(self._host))
        self.host = np.ctypeslib.as_array(pinned)[:size].view(dtype).reshape(shape)

    def upload(self, stream: Any) -> None:
        """Enqueue the way to the device."""
        kind = self._cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(self.device, self._host, kind, stream)

    def download(self, stream: Any) -> None:
        """Enqueue the way back."""
        kind = self._cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(self._host, self.device, kind, stream)

    def close(self) -> None:
        """Give both memories back; ``host`` must not be read any more."""
        if self.device is not None:
            checked(self._cudart, self._cudart.cudaFree(self.device))
        if self._host is not None:
            checked(self._cudart, self._cudart.cudaFreeHost(self._host))
        self.device = self._host = None

    def _copy(self, target: Any, source: Any, kind: Any, stream: Any) -> None:
        cudart = self._cudart
        checked(cudart, cudart.cudaMemcpyAsync(target, source, self._size, kind, stream))


class Streams:
    """Three queues of work, so that two frames may be moved while a third is computed."""

    def __init__(self, cudart: Any) -> None:
        self._cudart = cudart
        flags = cudart.cudaStreamNonBlocking
        self.upload, self.compute, self.download = (
            checked(cudart, cudart.cudaStreamCreateWithFlags(flags)) for _ in range(3)
        )

    def wait(self, stream: Any) -> None:
        """Until all work in a stream is done."""
        checked(self._cudart, self._cudart.cudaStreamSynchronize(stream))

    def drain(self) -> None:
        """Until all work in all of them is done: then memory may be given back."""
        for stream in (self.upload, self.compute, self.download):
            self.wait(stream)

    def close(self) -> None:
        """Give them back, their work done."""
        self.drain()
        for stream in (self.upload, self.compute, self.download):
            checked(self._cudart, self._cudart.cudaStreamDestroy(stream))


class Mark:
    """A point in one stream that another stream, or the host, waits for.

    Args:
        cudart: ``cuda.bindings.runtime``.
        timed: Whether the time between it and another is asked for.
    """

    def __init__(self, cudart: Any, timed: bool = False) -> None:
        self._cudart = cudart
        flags = cudart.cudaEventDefault if timed else cudart.cudaEventDisableTiming
        self._event = checked(cudart, cudart.cudaEventCreateWithFlags(flags))

    def record(self, stream: Any) -> None:
        """Put it at the end of a stream."""
        checked(self._cudart, self._cudart.cudaEventRecord(self._event, stream))

    def hold(self, stream: Any) -> None:
        """Let a stream wait for it."""
        checked(self._cudart, self._cudart.cudaStreamWaitEvent(stream, self._event, 0))

    def wait(self) -> None:
        """Until it is reached."""
        checked(self._cudart, self._cudart.cudaEventSynchronize(self._event))

    def ms_until(self, later: "Mark") -> float:
        """Milliseconds of the device's clock between two timed marks that were reached."""
        return float(
            checked(self._cudart, self._cudart.cudaEventElapsedTime(self._event, later._event))
        )

    def close(self) -> None:
        """Give it back."""
        checked(self._cudart, self._cudart.cudaEventDestroy(self._event))


class Recording:
    """Work recorded once and launched as a whole: a CUDA graph.

    Args:
        cudart: ``cuda.bindings.runtime``.
        stream: Where the work is enqueued.
        work: Enqueues it.

    Raises:
        EngineError: The work cannot be recorded.
    """

    def __init__(self, cudart: Any, stream: Any, work: Any) -> None:
        self._cudart = cudart
        mode = cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        checked(cudart, cudart.cudaStreamBeginCapture(stream, mode))
        try:
            work()
        except EngineError:
            # Ended in any case: a stream left capturing takes no other work.
            _, graph = cudart.cudaStreamEndCapture(stream)
            if graph is not None and int(graph):
                checked(cudart, cudart.cudaGraphDestroy(graph))
            raise
        graph = checked(cudart, cudart.cudaStreamEndCapture(stream))
        try:
            self._launched = checked(cudart, cudart.cudaGraphInstantiate(graph, 0))
        finally:
            checked(cudart, cudart.cudaGraphDestroy(graph))

    def launch(self, stream: Any) -> None:
        """Enqueue the work."""
        checked(self._cudart, self._cudart.cudaGraphLaunch(self._launched, stream))

    def close(self) -> None:
        """Give it back."""
        checked(self._cudart, self._cudart.cudaGraphExecDestroy(self._launched))


def free_device_mib() -> float | None:
    """Free memory of the device in MiB; None where there is none, or no bindings."""
    try:
        cudart = load_cuda()
        free = checked(cudart, cudart.cudaMemGetInfo())
    except EngineError:
        return None
    return float(free) / 2**20
