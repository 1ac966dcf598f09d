"""Lower precision whose quality is known: calibrate, quantise, judge (torch for losses alone)."""

from typing import TYPE_CHECKING, Any

import hsi.runtime  # noqa: F401  # before ONNX Runtime, which it keeps from reporting

if TYPE_CHECKING:
    from hsi.calibrate.calibration_set import CalibrationOptions, CalibrationSet, collect
    from hsi.calibrate.gate_result import GateOptions, GateResult

__all__ = ["CalibrationOptions", "CalibrationSet", "GateOptions", "GateResult", "collect"]

_PLACES = {
    "CalibrationOptions": "calibration_set",
    "CalibrationSet": "calibration_set",
    "collect": "calibration_set",
    "GateOptions": "gate_result",
    "GateResult": "gate_result",
}


def __getattr__(name: str) -> Any:
    # On first use: so that `hsi-export --help` is quick, and its message clear without onnx.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"hsi.calibrate.{_PLACES[name]}"), name)
