"""Frames that lie on the device, run where they lie."""

import threading
from typing import Any

import numpy as np

from hsi.runtime.trt.bindings import made
from hsi.runtime.trt.context import bind_address, bind_shapes, execute
from hsi.runtime.trt.cuda import Buffer, Streams, checked
from hsi.runtime.trt.device_array import device_array
from hsi.runtime.trt.lane import Arrays


class DirectLane:
    """One execution context whose frames come and go by address; codes and the like by host memory.

    Kernels are launched one by one: a CUDA graph would hold on to the addresses of one frame.

    Args:
        trt: The bindings.
        cudart: ``cuda.bindings.runtime``.
        engine: An engine of TensorRT's.
    """

    def __init__(self, trt: Any, cudart: Any, engine: Any) -> None:
        self._cudart = cudart
        self._streams = Streams(cudart)
        self._context = made("execution context", engine.create_execution_context)
        self._running = threading.Lock()

    def run(self, frames: Any, out: Any, feed: Arrays, into: Arrays) -> None:
        """Run a batch, and wait until it is done.

        Args:
            frames: `(N, H, W, 3) uint8` on the device. Read, never written.
            out: Likewise, no part of ``frames``. Written.
            feed: The other inputs, in host memory.
            into: The other outputs, in host memory. Written.

        Raises:
            FrameError: An array is not on the device, not of uint8 or not contiguous.
            EngineError: The device refused.
        """
        with self._running:
            stream = self._streams.compute
            placed = {
                "frame": device_array(frames, "frames", int(stream)),
                "stylised": device_array(out, "out", int(stream)),
            }
            if not all(hasattr(array, "__dlpack__") for array in (frames, out)):
                # The other protocol leaves it open whether work on the array is done.
                checked(self._cudart, self._cudart.cudaDeviceSynchronize())
            shapes = {name: array.shape for name, array in {**feed, **into}.items()}
            shapes |= {name: array.shape for name, array in placed.items()}
            outputs = {"stylised", *into}
            bind_shapes(
                self._context,
                {name: shape for name, shape in shapes.items() if name not in outputs},
                {name: shape for name, shape in shapes.items() if name in outputs},
            )
            for name, array in placed.items():
                bind_address(self._context, name, array.address)
            self._run(feed, into)

    def close(self) -> None:
        """Give it back."""
        self._streams.close()
        self._context = None

    def _run(self, feed: Arrays, into: Arrays) -> None:
        stream, buffers = self._streams.compute, {}
        try:
            for name, array in {**feed, **into}.items():
                buffers[name] = Buffer(self._cudart, array.shape, array.dtype)
                bind_address(self._context, name, int(buffers[name].device or 0))
            for name, array in feed.items():
                np.copyto(buffers[name].host, array)
                buffers[name].upload(stream)
            execute(self._context, stream)
            for name in into:
                buffers[name].download(stream)
            self._streams.wait(stream)
            for name, array in into.items():
                np.copyto(array, buffers[name].host)
        finally:
            self._streams.wait(stream)
            for buffer in buffers.values():
                buffer.close()
