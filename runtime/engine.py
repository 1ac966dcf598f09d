"""What a back end must do, and which one runs here."""

import logging
import os
from importlib import metadata
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import EngineError, OptionError
from hsi.runtime.manifest import Variant
from hsi.runtime.telemetry import load_openvino

if TYPE_CHECKING:
    from hsi.runtime.onnxruntime_options import OnnxRuntimeOptions
    from hsi.runtime.trt.options import TensorRtOptions

log = logging.getLogger(__name__)

ENGINES = (
    "auto",
    "onnxruntime-cuda",
    "onnxruntime-cpu",
    "onnxruntime-tensorrt",
    "onnxruntime-rtx",
    "openvino",
    "openvino-gpu",
    "openvino-npu",
    "tensorrt",
)
CUDA, OPENVINO, TENSORRT = "onnxruntime-cuda", "openvino", "tensorrt"
ORT_TENSORRT, ORT_RTX = "onnxruntime-tensorrt", "onnxruntime-rtx"
BUILT = (TENSORRT, ORT_TENSORRT, ORT_RTX)  # for a range of sizes, in minutes
EXTRAS = {CUDA: "gpu", ORT_TENSORRT: "gpu,tensorrt", ORT_RTX: "rtx", TENSORRT: "tensorrt"}
FP16, INT8 = "fp16", "int8"

Frames = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]


class Engine(Protocol):
    """The two graphs of one bundle on one device. Calls from several threads are allowed."""

    @property
    def name(self) -> str:
        """What ran the last frame; before the first, what will run it."""

    def encode_style(self, style: Frames) -> Vectors:
        """Encode style pictures.

        Args:
            style: `(N, H, W, 3) uint8 BGR`, C-contiguous. Read, never written.

        Returns:
            `(N, K) float32`, the caller's own.

        Raises:
            EngineError: The device refused.
        """

    def stylize(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Frames,
    ) -> Vectors:
        """Stylise a batch into the caller's buffer.

        Args:
            frames: `(N, H, W, 3) uint8 BGR`, C-contiguous. Read, never written.
            codes: `(N, K) float32`.
            statistics: `(N, S) float32`, read where the weight is above 0.
            statistics_weight: `(N, 1) float32` in [0, 1].
            strength: `(N, 1) float32` in [0, 1].
            out: `(N, H, W, 3) uint8`, C-contiguous, no part of ``frames``. Written.

        Returns:
            The statistics used, `(N, S) float32`, the caller's own.

        Raises:
            EngineError: The device refused, for want of memory for instance.
        """

    def close(self) -> None:
        """Give the device back. Calls after it are an error."""


@runtime_checkable
class MeasuringEngine(Protocol):
    """An engine that measures a frame for less than it stylises one."""

    def measure(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
    ) -> Vectors:
        """What :meth:`Engine.stylize` would return, without its picture; see there.

        Layers behind the last module are not run.
        """


def open_engine(
    bundle: Bundle,
    engine: str = "auto",
    threads: int | None = None,
    tensorrt: "TensorRtOptions | None" = None,
    onnxruntime: "OnnxRuntimeOptions | None" = None,
) -> Engine:
    """Open the engine asked for, or the best one this machine has.

    Args:
        bundle: What to run.
        engine: One of ``ENGINES``. A named one is what runs, or an error: never another. ``auto``
            is CUDA where it runs; else OpenVINO where it is installed, and ONNX Runtime where it is
            not: the faster one by ``docs/engines.md``. Only OpenVINO runs the INT8 variant, which
            ONNX Runtime computes more slowly than FP32, and only CUDA the FP16 variant, which CPUs
            widen to FP32. Those in ``BUILT`` build in the background; until that is done they run
            what ``auto`` is, and say so. ``auto`` is none of them, and no GPU or NPU of Intel's:
            they have not been run on a device so far.
        threads: CPU threads; None for all cores the process may use.
        tensorrt: How plans are built and kept, for those in ``BUILT``.
        onnxruntime: How ONNX Runtime runs, where it does.

    Raises:
        OptionError: The name is unknown or ``threads`` is not positive.
        EngineError: The engine is not installed, or its device is not there.
    """
    if engine not in ENGINES:
        raise OptionError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    if threads is not None and threads < 1:
        raise OptionError(f"threads must be at least 1, got {threads}")
    if engine in BUILT:
        return _open_built(engine, bundle, threads, tensorrt, onnxruntime)
    cores = threads or _usable_cores()
    if engine.startswith(OPENVINO):
        return _told(_open_openvino(bundle, engine, cores), engine, bundle)
    if engine == "auto" and _prefers_openvino(bundle.manifest.variant(INT8)):
        return _told(_open_openvino(bundle, OPENVINO, cores), engine, bundle)
    _check_installed(engine)
    # Imported here: it takes ONNX Runtime along, which is slow to load and may not be there.
    from hsi.runtime.onnxruntime_engine import OnnxRuntimeEngine

    opened = OnnxRuntimeEngine(bundle, engine, cores, onnxruntime)
    half = bundle.manifest.variant(FP16)
    if half is not None and opened.name == CUDA:
        # Whether CUDA runs shows with a session alone: its libraries may be missing.
        opened.close()
        bundle.select(half)
        opened = OnnxRuntimeEngine(bundle, CUDA, cores, onnxruntime)
    return _told(opened, engine, bundle)


def _told(engine: Engine, asked: str, bundle: Bundle) -> Engine:
    precision = bundle.manifest.stylizer.precision.upper()
    log.info(
        "engine %s runs %s at %s, %s was asked for",
        engine.name,
        bundle.path.name,
        precision,
        asked,
    )
    return engine


def _open_openvino(bundle: Bundle, engine: str, threads: int) -> Engine:
    from hsi.runtime.openvino_device import DEVICES
    from hsi.runtime.openvino_engine import OpenVinoEngine

    device = DEVICES[engine]
    _select_first(bundle, device.variants)
    return OpenVinoEngine(bundle, threads, device)


def _select_first(bundle: Bundle, precisions: tuple[str, ...]) -> None:
    """Run the first variant that a bundle has of some precisions, if it has any."""
    found = next(filter(None, map(bundle.manifest.variant, precisions)), None)
    if found is not None:
        bundle.select(found)


def _open_built(
    engine: str,
    bundle: Bundle,
    threads: int | None,
    options: "TensorRtOptions | None",
    standby: "OnnxRuntimeOptions | None",
) -> Engine:
    def open_standby() -> Engine:
        return open_engine(bundle, "auto", threads, onnxruntime=standby)

    if engine != TENSORRT:
        _check_installed(engine)
    try:
        from hsi.runtime.trt.options import TensorRtOptions

        told = options or TensorRtOptions()
        if engine != TENSORRT:
            from hsi.runtime.trt.session_maker import open_provider

            return open_provider(engine, bundle, open_standby, told)
        from hsi.runtime.trt.engine import open_tensorrt
    except ImportError as error:
        raise EngineError(
            f"engine {engine}: the Python package {error.name} is not installed: run pip install "
            f"'hsi-edge[{EXTRAS[engine]}]'"
        ) from error
    return open_tensorrt(bundle, open_standby, told)


def _prefers_openvino(variant: Variant | None) -> bool:
    """Whether ``auto`` is OpenVINO: it is there, and no GPU that is faster still."""
    if _openvino_loads():
        return not _has_cuda()
    if variant is not None:
        log.info("the INT8 variant is left: it runs on OpenVINO, which is not installed")
    return False


def _openvino_loads() -> bool:
    try:
        load_openvino()
    except ImportError as error:
        if _has(OPENVINO):
            log.warning("OpenVINO is installed and does not load: %s", _one_line(error))
        return False
    return True


def _has_cuda() -> bool:
    """Whether the ONNX Runtime installed is one for CUDA."""
    try:
        import onnxruntime
    except ImportError:
        return False
    providers = getattr(onnxruntime, "get_available_providers", None)
    return providers is not None and "CUDAExecutionProvider" in providers()


def _check_installed(engine: str) -> None:
    found = [name for name in ("onnxruntime", "onnxruntime-gpu") if _has(name)]
    if len(found) == 2:
        log.warning(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files: "
            "uninstall both, then install one"
        )
    try:
        import onnxruntime
    except ImportError as error:
        reason = f"which does not load ({_one_line(error)})" if found else "found none"
        raise EngineError(_missing(engine, reason)) from error
    if not hasattr(onnxruntime, "InferenceSession"):  # left over when one of the two was removed
        raise EngineError(
            "expected ONNX Runtime, found an empty folder of that name: run pip uninstall "
            "onnxruntime onnxruntime-gpu, then pip install 'hsi-edge[cpu]' or 'hsi-edge[gpu]'"
        )


def _missing(engine: str, reason: str) -> str:
    if engine == "auto":
        return (
            f"no engine is installed: expected OpenVINO or ONNX Runtime, {reason}: run pip install "
            "'hsi-edge[openvino]', 'hsi-edge[cpu]', or 'hsi-edge[gpu]' on a machine with CUDA"
        )
    extra = EXTRAS.get(engine, "cpu")
    return (
        f"engine {engine}: expected ONNX Runtime, {reason}: run pip install 'hsi-edge[{extra}]', "
        "or let --engine auto choose"
    )


def _has(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: a container or taskset may allow fewer
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
