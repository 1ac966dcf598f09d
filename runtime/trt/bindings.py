"""The one place that knows versions of TensorRT apart, and where its messages go.

All other modules use names that TensorRT 10.3 to 11.4 share.
"""

import importlib
import logging
from typing import Any

from hsi.runtime.errors import EngineError

log = logging.getLogger(__name__)

OLDEST = (10, 3)  # JetPack 6


def load_bindings() -> Any:
    """The module ``tensorrt``. To be called where :func:`find_device` found a device.

    Raises:
        EngineError: It is not installed, does not load or is too old.
    """
    try:
        trt = importlib.import_module("tensorrt")
    except ImportError as error:
        raise EngineError(
            f"engine tensorrt: the Python package tensorrt does not load ({error}): run pip "
            "install tensorrt, or on a Jetson apt install python3-libnvinfer"
        ) from error
    version = version_of(trt)
    if version < OLDEST:
        raise EngineError(
            f"engine tensorrt: expected TensorRT {OLDEST[0]}.{OLDEST[1]} or newer, found "
            f"{trt.__version__}: update it, or ask for --engine auto"
        )
    return trt


def version_of(trt: Any) -> tuple[int, int]:
    """Major and minor version of the bindings."""
    major, minor = str(trt.__version__).split(".")[:2]
    return int(major), int(minor)


def network_flags(trt: Any) -> int:
    """The flags of a network whose types are those of its graph.

    TensorRT 11 knows no other and ignores them; the bit has another number in each major.
    """
    return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def logger_for(trt: Any) -> Any:
    """An object of TensorRT's that hands its messages to Python's logging."""
    levels = {
        trt.ILogger.Severity.INTERNAL_ERROR: logging.ERROR,
        trt.ILogger.Severity.ERROR: logging.ERROR,
        # Of its own affairs TensorRT warns often.
        trt.ILogger.Severity.WARNING: logging.INFO,
        trt.ILogger.Severity.INFO: logging.DEBUG,
    }

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            if severity in levels:
                log.log(levels[severity], "TensorRT: %s", " ".join(msg.split()))

    return Logger()


def made(what: str, maker: Any, *arguments: Any) -> Any:
    """What a function of TensorRT makes.

    Raises:
        EngineError: It made nothing, which it tells as None or as a TypeError, by version.
    """
    try:
        result = maker(*arguments)
    except TypeError as error:
        raise EngineError(f"TensorRT made no {what}: {error}: see its messages with -vv") from error
    if result is None:
        raise EngineError(f"TensorRT made no {what}: see its messages with -vv")
    return result
