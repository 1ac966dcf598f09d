"""Batches of one shape on a device: their buffers, bound to a session once."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from hsi.runtime.host_runner import Arrays
from hsi.runtime.trt.cuda import fetch

NO_GRAPH = -1  # ONNX Runtime's word for a run that is neither recorded nor played back
GRAPH_ID = "gpu_graph_id"


class DeviceBatch:
    """A buffer on the device for each tensor; their addresses never change.

    Args:
        session: Whose tensors they are.
        device: ONNX Runtime's word for it, such as `cuda`.
        feed: Inputs of the shapes and types to come.
        into: Likewise outputs.
        cudart: ``cuda.bindings.runtime``; None where it is not installed. ONNX Runtime by itself
            hands outputs out in arrays of its own, which are copied once more.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        device: str,
        feed: Arrays,
        into: Arrays,
        cudart: Any = None,
    ) -> None:
        self._session = session
        self._cudart = cudart
        self._inputs = {name: _like(array, device) for name, array in feed.items()}
        self._outputs = {name: _like(array, device) for name, array in into.items()}
        self._binding = session.io_binding()
        for name, value in self._inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        for name, value in self._outputs.items():
            self._binding.bind_ortvalue_output(name, value)
        self.has_run = False
        self.graph = NO_GRAPH  # number of the CUDA graph over these buffers

    def upload(self, feed: Arrays) -> None:
        """Copy a batch to the device."""
        for name, array in feed.items():
            self._inputs[name].update_inplace(array)

    def compute(self) -> None:
        """Run the kernels and wait for them. The first run of a graph records it as well."""
        options = ort.RunOptions()
        options.add_run_config_entry(GRAPH_ID, str(self.graph))
        self._session.run_with_iobinding(self._binding, options)
        self.has_run = True

    def download(self, into: Arrays) -> None:
        """Copy what was made into the caller's buffers."""
        for name, array in into.items():
            if self._cudart is None:
                np.copyto(array, self._outputs[name].numpy())
            else:
                fetch(self._cudart, self._outputs[name].data_ptr(), array)


def _like(array: npt.NDArray[Any], device: str) -> ort.OrtValue:
    return ort.OrtValue.ortvalue_from_shape_and_type(array.shape, array.dtype, device, 0)
