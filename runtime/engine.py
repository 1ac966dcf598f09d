"""What a back end must do, and which one runs here."""

import logging
import os
from importlib import metadata
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import EngineError, OptionError

log = logging.getLogger(__name__)

ENGINES = ("auto", "onnxruntime-cuda", "onnxruntime-cpu")

Frames = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]


class Engine(Protocol):
    """The two graphs of one bundle on one device. Calls from several threads are allowed."""

    name: str

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


def open_engine(bundle: Bundle, engine: str = "auto", threads: int | None = None) -> Engine:
    """Open the engine asked for, or the best one this machine has.

    Args:
        bundle: What to run.
        engine: One of ``ENGINES``. A named one is what runs, or an error: never another.
        threads: CPU threads; None for all cores the process may use.

    Raises:
        OptionError: The name is unknown or ``threads`` is not positive.
        EngineError: The engine is not installed, or its device is not there.
    """
    if engine not in ENGINES:
        raise OptionError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    if threads is not None and threads < 1:
        raise OptionError(f"threads must be at least 1, got {threads}")
    from hsi.runtime.onnxruntime_engine import OnnxRuntimeEngine

    _check_installed()
    opened = OnnxRuntimeEngine(bundle, engine, threads or len(os.sched_getaffinity(0)))
    log.info("engine %s runs %s", opened.name, bundle.path.name)
    return opened


def _check_installed() -> None:
    found = [name for name in ("onnxruntime", "onnxruntime-gpu") if _has(name)]
    if len(found) == 2:
        log.warning(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files: "
            "uninstall both, then install one"
        )
    try:
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise EngineError(
            "no engine is installed: expected ONNX Runtime; run pip install 'hsi-edge[cpu]', or "
            "'hsi-edge[gpu]' on a machine with CUDA"
        ) from error


def _has(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
