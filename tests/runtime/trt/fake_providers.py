"""TensorRT's providers in ONNX Runtime, on the processor: the real package under other names.

Sessions are the real ones, so a name or an argument that is none fails as it does there. Options
must be among those that NVIDIA's and Microsoft's libraries name. What the providers add is played:
a build leaves a file where it was told to keep it, and a file that is damaged does not load.
"""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import onnxruntime as ort

from tests.runtime.trt.surface import SURFACES

TENSORRT, RTX = "TensorrtExecutionProvider", "NvTensorRTRTXExecutionProvider"
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
KNOWN = set().union(*json.loads((SURFACES / "provider_options.json").read_text()).values())
DAMAGED = b"half a plan"


class FakeProviders:
    """Stands for the module ``onnxruntime``; what it does not change is the real one's."""

    def __init__(self) -> None:
        self.__version__ = "1.31.1"
        self.available = [TENSORRT, CUDA, CPU]
        self.cards = 1  # that the plug-in takes
        self.runs: list[str] | None = None  # None: what was asked for
        self.left = 0  # nodes that the provider leaves to others; below 0: all
        self.tells = True  # which nodes run where
        self.built: list[dict[str, str]] = []  # options of each build
        self.loaded = 0  # builds that were not needed
        self.registered: list[tuple[str, str]] = []
        fake = self

        class Options(ort.SessionOptions):  # type: ignore[misc]
            def add_provider_for_devices(self, devices: list[Any], options: dict[str, str]) -> None:
                self.told = [(device.ep_name, options) for device in devices]

        class Session(_Session):
            def __init__(self, data: bytes, told: Any, **more: Any) -> None:
                super().__init__(fake, data, told, **more)

        self.SessionOptions = Options
        self.InferenceSession = Session

    def __getattr__(self, name: str) -> Any:
        return getattr(ort, name)

    def get_available_providers(self) -> list[str]:
        return self.available

    def register_execution_provider_library(self, name: str, path: str) -> None:
        assert not self.registered, "a library is registered once"
        self.registered.append((name, path))

    def get_ep_devices(self) -> list[Any]:
        return [
            *ort.get_ep_devices(),
            *(types.SimpleNamespace(ep_name=name) for name, _ in self.registered * self.cards),
        ]


class _Session:
    def __init__(
        self,
        fake: FakeProviders,
        data: bytes,
        told: Any,
        providers: list[tuple[str, dict[str, str]]] | None = None,
        enable_fallback: int = 1,
    ) -> None:
        assert not enable_fallback, "the package prints and takes another provider by itself"
        wanted: list[tuple[str, dict[str, str]]] = told.told if providers is None else providers
        (self._name, options), *others = wanted
        assert set(options) <= KNOWN, set(options) - KNOWN
        assert not {"trt_fp16_enable", "trt_int8_enable"} & set(options), "the graph says it"
        self._fake = fake
        self._providers = fake.runs or [self._name, *(name for name, _ in others), CPU]
        path = options.get("trt_engine_cache_path") or options.get("nv_runtime_cache_path")
        self._build(None if path is None else Path(path) / "graph.engine", options)
        self._real = ort.InferenceSession(data, told, providers=[CPU])

    def __getattr__(self, name: str) -> Any:
        if name == "get_provider_graph_assignment_info":
            if not self._fake.tells:
                raise AttributeError(name)
            return self._assigned
        return getattr(self._real, name)

    def get_providers(self) -> list[str]:
        return self._providers

    def _build(self, kept: Path | None, options: dict[str, str]) -> None:
        if kept is not None and kept.exists():
            if kept.read_bytes() == DAMAGED:
                raise RuntimeError(f"TensorRT EP could not deserialize engine from cache: {kept}")
            self._fake.loaded += 1
            return
        self._fake.built.append(options)
        if kept is not None:
            kept.write_bytes(b"a plan")

    def _assigned(self) -> list[Any]:
        parts = self._real.get_provider_graph_assignment_info()
        left = len(parts) if self._fake.left < 0 else self._fake.left
        names = [CUDA] * left + [self._name] * (len(parts) - left)
        return [
            types.SimpleNamespace(ep_name=name, get_nodes=part.get_nodes)
            for name, part in zip(names, parts, strict=True)
        ]


def plugin(path: str = "plugin.so") -> types.ModuleType:
    """NVIDIA's Python package of the plug-in, as far as it is used."""
    made = types.ModuleType("onnxruntime_ep_nv_tensorrt_rtx")
    made.__dict__.update(
        __version__="0.5.0", get_ep_name=lambda: RTX, get_library_path=lambda: path
    )
    return made
