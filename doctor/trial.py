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
    elif what == "tensorrt":
        _tell(**_tensorrt())
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


def _tensorrt() -> dict[str, Any]:
    """Load the bindings. Only to be asked for where there is a device."""
    from hsi.runtime.errors import EngineError
    from hsi.runtime.trt.bindings import load_bindings

    try:
        trt = load_bindings()
        importlib.import_module("hsi.runtime.trt.engine")
    except (EngineError, ImportError) as error:
        return {"error": str(error)}
    return {"version": str(trt.__version__)}


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
