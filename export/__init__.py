"""Export trained networks to bundles (needs torch, onnx and ONNX Runtime)."""

from hsi.export.exporter import ExportOptions, ExportReport, export
from hsi.export.parity import Comparison

__all__ = ["Comparison", "ExportOptions", "ExportReport", "export"]
