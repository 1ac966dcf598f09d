"""What a user may say of ONNX Runtime."""

from dataclasses import dataclass

from hsi.runtime.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class OnnxRuntimeOptions:
    """How batches come to ONNX Runtime and are run. Graphs and TF32 are of CUDA alone."""

    io_binding: bool = True  # buffers bound to the session, rather than arrays in and arrays out
    cuda_graph: bool = True  # kernels recorded once per shape and launched as a whole
    tf32: bool = False  # what a graph says in FP32 may be computed with 10 bits of fraction

    def __post_init__(self) -> None:
        if self.cuda_graph and not self.io_binding:
            raise OptionError(
                "cuda_graph needs io_binding, since a recorded graph knows its buffers by their "
                "addresses: expected io_binding=True, or cuda_graph=False"
            )

    def of_provider(self, name: str, records: bool) -> dict[str, str]:
        """What a provider is opened with.

        Args:
            name: As ONNX Runtime calls it.
            records: Whether CUDA graphs are to be recorded.
        """
        if name != "CUDAExecutionProvider":
            return {}
        return {"use_tf32": str(int(self.tf32)), "enable_cuda_graph": str(int(records))}
