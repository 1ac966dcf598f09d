"""Export trained networks to bundles (needs torch, onnx and ONNX Runtime)."""

from typing import TYPE_CHECKING, Any

import hsi.runtime  # noqa: F401  # before ONNX Runtime, which it keeps from reporting

if TYPE_CHECKING:
    from hsi.export.exporter import ExportOptions, ExportReport, export
    from hsi.export.parity import Comparison

__all__ = ["Comparison", "ExportOptions", "ExportReport", "export"]


def __getattr__(name: str) -> Any:
    # On first use: so that `hsi-export --help` is quick, and its message clear where torch is not.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hsi.export import exporter

    return getattr(exporter, name)
