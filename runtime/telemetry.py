"""What the libraries of engines would tell their makers: from here, nothing."""

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ONNXRUNTIME_DECLINES = "ORT_DISABLE_TELEMETRY"  # since 1.29; read when the library loads
OPENVINO_REPORTER = "openvino_telemetry"  # a package of its own, which OpenVINO does without

_loading = threading.Lock()


def decline_for_onnxruntime() -> None:
    """Keep ONNX Runtime from reporting to Microsoft, unless the user's environment says otherwise.

    To be called before it is imported. Holds for this process and those that it starts.
    """
    os.environ.setdefault(ONNXRUNTIME_DECLINES, "1")


def load_openvino() -> Any:
    """The module ``openvino``, without its report to Google Analytics.

    Importing it sends one, from a thread that lives on, and writes a number for this user into
    ``~/intel``. Where the reporting package is not installed it does neither; so for as long as the
    import takes, it is not. What a program has imported before is left as it is.

    Raises:
        ImportError: It is not installed, or does not load.
    """
    with _loading, _hidden(OPENVINO_REPORTER):
        return importlib.import_module("openvino")


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let imports of a module fail."""
    missing = object()
    known: Any = sys.modules.get(module, missing)
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if known is missing:
            del sys.modules[module]
        else:
            sys.modules[module] = known
