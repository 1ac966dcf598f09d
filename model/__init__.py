"""Networks for arbitrary style transfer and their checkpoints (needs torch)."""

from hsi.model.network import EdgeNetwork, StyleNetwork, VggNetwork, build_network
from hsi.model.options import PRESETS, InjectorOptions, NetworkOptions

__all__ = [
    "PRESETS",
    "EdgeNetwork",
    "InjectorOptions",
    "NetworkOptions",
    "StyleNetwork",
    "VggNetwork",
    "build_network",
]
