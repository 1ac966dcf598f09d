"""An ONNX Runtime session that takes its tensors from host memory."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Arrays = Mapping[str, npt.NDArray[Any]]


class HostRunner:
    """Runs batches of any shape. Calls from several threads are allowed, and overlap.

    Args:
        session: Of the graph.
        io_binding: Whether the last operator writes where the caller wants it, or into an array of
            ONNX Runtime's that is copied.
    """

    compute_ms: float | None = None  # not told: ways and kernels are one call

    def __init__(self, session: ort.InferenceSession, io_binding: bool = True) -> None:
        self._session = session
        self._io_binding = io_binding

    def run(self, feed: Arrays, into: Arrays) -> None:
        """Run a batch.

        Args:
            feed: Inputs by name, C-contiguous. Read, never written.
            into: Outputs by name, C-contiguous. Written.

        Raises:
            Exception: One of ONNX Runtime's many.
        """
        if not self._io_binding:
            made = self._session.run(list(into), dict(feed))
            for array, found in zip(into.values(), made, strict=True):
                np.copyto(array, found)
            return
        binding = self._session.io_binding()
        for name, array in feed.items():
            binding.bind_cpu_input(name, array)
        for name, array in into.items():
            binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        self._session.run_with_iobinding(binding)
