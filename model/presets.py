"""From options to a network."""

from hsi.model.edge_network import EdgeNetwork
from hsi.model.network import StyleNetwork
from hsi.model.options import NetworkOptions
from hsi.model.vgg_network import VggNetwork


def build_network(options: NetworkOptions) -> StyleNetwork:
    """A freshly initialised network; the frozen VGG weights are loaded apart."""
    network = EdgeNetwork(options) if options.preset == "hsi-edge" else VggNetwork(options)
    if options.code_hidden:
        network.add_code_mixer(options.code_hidden)
    return network
