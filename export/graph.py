"""The two graphs of a bundle as torch modules, with the picture work inside."""

import copy

import torch
from torch import Tensor, nn

from hsi.model import StyleNetwork
from hsi.model.upsample import UpsampleConv


class StyleEncoderGraph(nn.Module):
    """``style_encoder.onnx``: `(N, H, W, 3) uint8 BGR` to `(N, code_size) float32`."""

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, style: Tensor) -> Tensor:
        """Encode style pictures of any size from 64 pixels."""
        # Cast before Transpose: TensorRT moves no uint8 about.
        planes = style.to(torch.float32).permute(0, 3, 1, 2)
        return self.network.encode_style(planes * (1 / 255))


class StylizerGraph(nn.Module):
    """``stylizer.onnx``: frames, a style code and statistics in, frames and statistics out.

    The scale of the pixels is folded into the first and the last convolution, so the network reads
    and writes 0 to 255 without a pass of its own.
    """

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = prepared_network(network)

    def forward(
        self,
        frame: Tensor,
        style_code: Tensor,
        statistics: Tensor,
        statistics_weight: Tensor,
        strength: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Stylise frames of any size.

        Args:
            frame: `(N, H, W, 3) uint8 BGR`.
            style_code: `(N, code_size) float32`.
            statistics: `(N, statistics_size) float32`, read where the weight is above 0.
            statistics_weight: `(N, 1) float32` in [0, 1].
            strength: `(N, 1) float32` in [0, 1].

        Returns:
            `(N, H, W, 3) uint8 BGR` and the statistics used, `(N, statistics_size) float32`.
        """
        planes = frame.to(torch.float32).permute(0, 3, 1, 2)
        stylised, used = self.network(planes, style_code, statistics, statistics_weight, strength)
        pixels = stylised.permute(0, 2, 3, 1)
        return pixels.round().clamp(0, 255).to(torch.uint8), used


def prepared_network(network: StyleNetwork) -> StyleNetwork:
    """A copy for the exporter: pixels in [0, 255] at no cost, up-sampling as plain layers."""
    network = copy.deepcopy(network).eval()
    first, last = network.picture_layers()
    with torch.no_grad():
        first.weight.div_(255)
        last.weight.mul_(255)
        assert last.bias is not None
        last.bias.mul_(255)
    for name, child in list(network.named_children()):
        if isinstance(child, UpsampleConv):
            setattr(network, name, child.as_convolution())
    return network
