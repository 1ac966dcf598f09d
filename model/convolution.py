"""The convolution of decoders that mirror VGG-19."""

from torch import nn


def reflecting_convolution(width_in: int, width_out: int) -> nn.Conv2d:
    """3x3, the picture reflected at the rim, with He's first weights."""
    layer = nn.Conv2d(width_in, width_out, 3, padding=1, padding_mode="reflect")
    # With torch's own first weights a picture fades to the biases within nine layers.
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer
