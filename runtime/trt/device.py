"""Whether there is a GPU, asked of the driver alone."""

import ctypes
from dataclasses import dataclass
from functools import partial
from typing import Any

from hsi.runtime.engine import TENSORRT
from hsi.runtime.errors import EngineError

LIBRARY = "libcuda.so.1"


@dataclass(frozen=True, kw_only=True)
class Device:
    """The GPU that plans are built for: the first that the driver shows to this process."""

    name: str  # as the driver calls it
    compute_capability: str  # "8.9"
    driver: str  # newest CUDA version that the driver takes, "13.0"


def find_device(library: str | None = None, engine: str = TENSORRT) -> Device:
    """Ask the driver for its first GPU.

    To be called before any object of TensorRT is made: without a device some versions return one
    that ends the process when it is used, or when the interpreter ends.

    Args:
        library: None for the driver's own.
        engine: Who asks, for messages.

    Raises:
        EngineError: There is no driver, or it has no device for this process.
    """
    library = library or LIBRARY
    try:
        driver = ctypes.CDLL(library)
    except OSError as error:
        raise EngineError(
            f"engine {engine}: expected an NVIDIA driver, found no {library}: install the driver, "
            "or ask for --engine auto"
        ) from error
    ask = partial(_asked, engine, driver)
    ask("cuInit", 0)
    version, count, device = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    major, minor, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)
    ask("cuDriverGetVersion", ctypes.byref(version))
    ask("cuDeviceGetCount", ctypes.byref(count))
    if count.value < 1:
        raise EngineError(
            f"engine {engine}: expected a GPU, found a driver without one: check nvidia-smi and "
            "CUDA_VISIBLE_DEVICES, or ask for --engine auto"
        )
    ask("cuDeviceGet", ctypes.byref(device), 0)
    ask("cuDeviceGetName", name, len(name), device)
    ask("cuDeviceComputeCapability", ctypes.byref(major), ctypes.byref(minor), device)
    return Device(
        name=name.value.decode(errors="replace"),
        compute_capability=f"{major.value}.{minor.value}",
        driver=f"{version.value // 1000}.{version.value % 1000 // 10}",
    )


def _asked(engine: str, driver: ctypes.CDLL, function: str, *arguments: Any) -> None:
    result = getattr(driver, function)(*arguments)
    if result:
        raise EngineError(
            f"engine {engine}: the NVIDIA driver refused {function} with error {result}: check "
            "that nvidia-smi works here, or ask for --engine auto"
        )
