"""ONNX Runtime with CUDA, on the processor: the real package with its device names changed.

Sessions, bindings and values are the real ones, so a name or an argument that is none fails as it
does there. What CUDA adds is played: a run under a graph's number is recorded over the buffers of
its first binding, and later runs under this number read and write those, whatever they bind.
"""

from __future__ import annotations

from typing import Any

import onnxruntime as ort

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class FakeOnnxRuntime:
    """Stands for the module ``onnxruntime``; what it does not change is the real one's."""

    def __init__(self) -> None:
        self.opened: list[dict[str, str]] = []  # options of the provider, per session
        self.recorded: list[int] = []  # numbers of graphs
        self.played: list[int] = []
        self.refuses_to_open = self.refuses_to_record = False
        runtime = self

        class Session(_Session):
            def __init__(self, data: bytes, options: Any, providers: list[Any]) -> None:
                super().__init__(runtime, data, options, providers)

        self.InferenceSession = Session
        self.OrtValue = _OrtValue

    def __getattr__(self, name: str) -> Any:
        return getattr(ort, name)

    @staticmethod
    def get_available_providers() -> list[str]:
        return [CUDA, CPU]


class _OrtValue:
    @staticmethod
    def ortvalue_from_shape_and_type(shape: Any, dtype: Any, device: str, number: int) -> Any:
        assert (device, number) == ("cuda", 0)
        return ort.OrtValue.ortvalue_from_shape_and_type(shape, dtype, "cpu", number)


class _Session:
    def __init__(
        self, runtime: FakeOnnxRuntime, data: bytes, options: Any, providers: list[Any]
    ) -> None:
        asked = dict(providers).get(CUDA, {})
        self._runtime = runtime
        self._records = asked.get("enable_cuda_graph") == "1"
        if self._records and runtime.refuses_to_open:
            raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : not partitioned to the CUDA EP")
        runtime.opened.append(asked)
        self._graphs: dict[int, Any] = {}
        self._real = ort.InferenceSession(data, options, providers=[CPU])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]

    def run_with_iobinding(self, binding: Any, options: Any) -> None:
        number = int(options.get_run_config_entry("gpu_graph_id"))
        if self._records and number >= 0:
            binding = self._graph(number, binding)
        self._real.run_with_iobinding(binding, options)

    def _graph(self, number: int, binding: Any) -> Any:
        if number in self._graphs:
            self._runtime.played.append(number)
        elif self._runtime.refuses_to_record:
            raise RuntimeError("CUDA failure 900: operation not permitted when capturing")
        else:
            self._graphs[number] = binding
            self._runtime.recorded.append(number)
        return self._graphs[number]
