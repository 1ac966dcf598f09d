"""What the doctor tries in a process of its own: libraries that do not load may take it along.

Run as `python -m hsi.doctor.trial WHAT [WORD ...]`; each line of standard output is a JSON object.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

LIBRARIES = ("numpy", "cv2", "av", "hsi.runtime")


def main(argv: Sequence[str]) -> int:
    """Try one thing. May end with any exception, or with a signal: the doctor reads it."""
    what, *words = argv
    if what == "libraries":
        for name in LIBRARIES:
            _tell(library=name, **_loaded(name))
    elif what == "engine":
        _tell(**_engine(*words))
    elif what == "device":
        _tell(**_device())
    elif what == "built-engine":
        _tell(**_built_engine(*words))
    elif what == "openvino-devices":
        _tell(**_openvino_devices())
    elif what == "genicam":
        _tell(**_genicam())
    elif what == "window":
        _tell(**_window())
    return 0


def _tell(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def _loaded(name: str, load: Callable[[], Any] | None = None) -> dict[str, Any]:
    try:
        module = load() if load else importlib.import_module(name)
    except Exception as error:  # an import may fail with anything
        return {"error": f"{type(error).__name__}: {error}"}
    return {"version": getattr(module, "__version__", None)}


def _engine(name: str, library: str, model: str) -> dict[str, Any]:
    """Load a bundle on an engine, golden picture included, and time the golden picture alone."""
    import hsi.runtime  # first: it keeps libraries from reporting to their makers
    from hsi.runtime.telemetry import load_openvino

    found = _loaded(library, load_openvino if library == "openvino" else None)
    if "error" in found:
        return found

    begun = time.monotonic()
    try:
        with hsi.runtime.load(model, engine=name) as stylizer:
            loaded = time.monotonic()
            stylizer.self_test()
            tested = time.monotonic()
            precision = stylizer.manifest.stylizer.precision
    except hsi.runtime.HsiError as error:
        return {"error": str(error)}
    times = {"load_ms": 1e3 * (loaded - begun), "test_ms": 1e3 * (tested - loaded)}
    return {**found, **times, "precision": precision}


def _device() -> dict[str, Any]:
    from hsi.runtime.errors import EngineError
    from hsi.runtime.trt.device import find_device

    try:
        device = find_device()
    except EngineError as error:
        return {"error": str(error)}
    capability = device.compute_capability
    return {"name": device.name, "compute_capability": capability, "cuda": device.driver}


def _built_engine(name: str) -> dict[str, Any]:
    """Load what an engine is built with. Only to be asked for where there is a device."""
    from hsi.runtime.engine import TENSORRT
    from hsi.runtime.errors import EngineError

    try:
        version = _tensorrt() if name == TENSORRT else _provider(name)
    except (EngineError, ImportError) as error:
        return {"refused": str(error)}
    return {"version": version}


def _tensorrt() -> str:
    from hsi.runtime.trt.bindings import load_bindings
    from hsi.runtime.trt.cuda import load_cuda

    importlib.import_module("hsi.runtime.trt.engine")
    load_cuda()
    return f"tensorrt {load_bindings().__version__}"


def _provider(name: str) -> str:
    from hsi.runtime.engine import ORT_TENSORRT
    from hsi.runtime.errors import EngineError
    from hsi.runtime.trt.provider import LIBRARIES, PROVIDERS, tensorrt_version

    importlib.import_module("hsi.runtime.trt.session_maker")
    provider = PROVIDERS[name]()
    if name == ORT_TENSORRT and tensorrt_version() is None:
        raise EngineError(f"expected {' or '.join(LIBRARIES)}, the loader finds none")
    return provider.version


def _openvino_devices() -> dict[str, Any]:
    from hsi.runtime.telemetry import load_openvino

    return {"devices": load_openvino().Core().available_devices}


def _genicam() -> dict[str, Any]:
    """Load Aravis and search the network and the USB, for a second."""
    from hsi.runtime.errors import SourceError
    from hsi.runtime.genicam.aravis import load_aravis

    try:
        found = load_aravis().devices()
    except SourceError as error:
        return {"error": str(error)}
    return {"cameras": [f"{one.vendor} {one.model}, {one.address}" for one in found]}


def _window() -> dict[str, Any]:
    from hsi.runtime.output import NoWindow, open_output

    try:
        with open_output("display://"):
            return {}
    except NoWindow as error:
        return {"error": error.why}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
