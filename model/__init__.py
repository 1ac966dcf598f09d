"""Networks for arbitrary style transfer and their checkpoints (needs torch)."""

from hsi.model.edge_network import EdgeNetwork
from hsi.model.network import StyleNetwork
from hsi.model.options import PRESETS, InjectorOptions, NetworkOptions
from hsi.model.presets import build_network
from hsi.model.vgg_network import VggNetwork

__all__ = [
    "PRESETS",
    "EdgeNetwork",
    "InjectorOptions",
    "NetworkOptions",
    "StyleNetwork",
    "VggNetwork",
    "build_network",
]
