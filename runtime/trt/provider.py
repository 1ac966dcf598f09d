"""TensorRT in ONNX Runtime: its two providers, what they are told, and where they come from."""

import ctypes
import importlib
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import onnxruntime as ort

from hsi.runtime.engine import ORT_RTX, ORT_TENSORRT
from hsi.runtime.errors import EngineError
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.profile import Shape

LIBRARIES = ("libnvinfer.so.10", "libnvinfer.so.11")  # those of PyPI's ONNX Runtime first
PLUGIN = "onnxruntime_ep_nv_tensorrt_rtx"
REGISTERING = threading.Lock()
REGISTERED: set[str] = set()  # plug-ins, by name: ONNX Runtime takes each once a process
Shapes = Mapping[str, tuple[Shape, ...]]  # least, best and most of each input


class Provider(Protocol):
    """One of ONNX Runtime's providers that build, and are told for which shapes.

    None of them is told a precision: without one they build as strongly typed, from the graph.
    """

    @property
    def engine(self) -> str:
        """What `--engine` calls it."""

    @property
    def name(self) -> str:
        """What ONNX Runtime calls it."""

    @property
    def version(self) -> str:
        """What plans depend on, beside the graph, the sizes, the options and the GPU."""

    def session(
        self,
        data: bytes,
        session_options: ort.SessionOptions,
        options: dict[str, str],
    ) -> ort.InferenceSession:
        """Build a graph, or load what was built; takes minutes.

        Args:
            data: The ONNX file.
            session_options: Changed.
            options: Of the provider.

        Raises:
            Exception: One of ONNX Runtime's many.
        """

    def options(
        self, shapes: Shapes, told: TensorRtOptions, kept: tuple[Path, Path] | None
    ) -> dict[str, str]:
        """What it is told.

        Args:
            shapes: To build for.
            told: By the user.
            kept: Folders for what was built and for the builder's timings; None for none.
        """


class TensorRtProvider:
    """ONNX Runtime's TensorRT provider, which is part of its GPU build.

    Raises:
        EngineError: This build has none.
    """

    engine = ORT_TENSORRT
    name = "TensorrtExecutionProvider"

    def __init__(self) -> None:
        available = ort.get_available_providers()
        if self.name not in available:
            raise EngineError(
                f"engine {self.engine} is not in this build of ONNX Runtime, which has "
                f"{', '.join(available)}: install 'hsi-edge[gpu,tensorrt]' instead of "
                "'hsi-edge[cpu]'"
            )
        known = f"TensorRT {tensorrt_version() or 'of no known version'}"
        self.version = f"{known}, ONNX Runtime {ort.__version__}"

    def session(
        self, data: bytes, session_options: ort.SessionOptions, options: dict[str, str]
    ) -> ort.InferenceSession:
        """See :meth:`Provider.session`. What TensorRT does not take goes to CUDA."""
        wanted = [(self.name, options), ("CUDAExecutionProvider", {"use_tf32": "0"})]
        return ort.InferenceSession(data, session_options, providers=wanted, enable_fallback=0)

    def options(
        self, shapes: Shapes, told: TensorRtOptions, kept: tuple[Path, Path] | None
    ) -> dict[str, str]:
        """See :meth:`Provider.options`."""
        found = _common("trt", shapes, told)
        found["trt_builder_optimization_level"] = str(told.optimization_level)
        if kept is not None:
            plans, timings = map(str, kept)
            found |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": plans}
            found |= {"trt_timing_cache_enable": "1", "trt_timing_cache_path": timings}
        return found


class RtxProvider:
    """TensorRT-RTX, NVIDIA's plug-in for ONNX Runtime on RTX cards.

    Raises:
        EngineError: ONNX Runtime is too old for plug-ins, this one is not installed or does not
            load, or it finds no card that it takes.
    """

    engine = ORT_RTX

    def __init__(self) -> None:
        if not hasattr(ort, "register_execution_provider_library"):
            raise EngineError(
                f"engine {self.engine}: expected ONNX Runtime 1.24 or newer, which has plug-ins, "
                f"found {ort.__version__}: run pip install --upgrade 'hsi-edge[rtx]'"
            )
        try:
            plugin = importlib.import_module(PLUGIN)
        except ImportError as error:
            raise EngineError(
                f"engine {self.engine}: the Python package {error.name or PLUGIN} does not load: "
                "run pip install 'hsi-edge[rtx]' in an environment without onnxruntime-gpu"
            ) from error
        self.name = str(plugin.get_ep_name())
        self.version = f"TensorRT-RTX plug-in {plugin.__version__}, ONNX Runtime {ort.__version__}"
        self._device = self._found(plugin)

    def session(
        self, data: bytes, session_options: ort.SessionOptions, options: dict[str, str]
    ) -> ort.InferenceSession:
        """See :meth:`Provider.session`."""
        session_options.add_provider_for_devices([self._device], options)
        return ort.InferenceSession(data, session_options, enable_fallback=0)

    def options(
        self, shapes: Shapes, told: TensorRtOptions, kept: tuple[Path, Path] | None
    ) -> dict[str, str]:
        """See :meth:`Provider.options`. It has no levels and keeps no timings."""
        found = _common("nv", shapes, told)
        if kept is not None:
            found["nv_runtime_cache_path"] = str(kept[0])
        return found

    def _found(self, plugin: Any) -> Any:
        with REGISTERING:
            if self.name not in REGISTERED:
                try:
                    ort.register_execution_provider_library(self.name, plugin.get_library_path())
                    REGISTERED.add(self.name)
                except Exception as error:
                    raise EngineError(
                        f"engine {self.engine}: the plug-in does not load "
                        f"({' '.join(str(error).split())[:200]}): check NVIDIA's driver, or ask "
                        "for --engine auto"
                    ) from error
        found = self._devices()
        if not found:
            raise EngineError(
                f"engine {self.engine}: expected a card that TensorRT-RTX takes (RTX 30 and "
                "newer), ONNX Runtime found none: ask for --engine auto"
            )
        return found[0]

    def _devices(self) -> list[Any]:
        return [one for one in ort.get_ep_devices() if one.ep_name == self.name]


PROVIDERS: Mapping[str, Callable[[], Provider]] = {
    ORT_TENSORRT: TensorRtProvider,
    ORT_RTX: RtxProvider,
}


def tensorrt_version() -> str | None:
    """The version of the TensorRT library that the loader finds; None where it finds none."""
    for name in LIBRARIES:
        with suppress(OSError, AttributeError):
            return str(ctypes.CDLL(name).getInferLibVersion())
    return None


def _common(prefix: str, shapes: Shapes, told: TensorRtOptions) -> dict[str, str]:
    found = {
        f"{prefix}_profile_{end}_shapes": ",".join(
            f"{name}:{'x'.join(map(str, ends[number]))}" for name, ends in shapes.items()
        )
        for number, end in enumerate(("min", "opt", "max"))
    }
    if told.workspace_mib is not None:
        found[f"{prefix}_max_workspace_size"] = str(told.workspace_mib * 2**20)
    return found
