"""Up-sampling without a grid, at the price of a convolution."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PictureHead(nn.Module):
    """Features at stride ``block`` to blocks of pixels: up-sample, then convolve, at low cost.

    The paper's decoder up-samples and then convolves, which leaves no checkerboard: on flat ground
    every pixel of a block sees the same sum of weights. That chain, nearest-neighbour and one
    convolution of ``2 block + 1`` pixels, equals one 3x3 convolution at the low resolution with
    ``block`` squared times the channels, which is what runs: the large kernel is folded into it.
    """

    fold: Tensor

    def __init__(self, width: int, block: int) -> None:
        super().__init__()
        self.block = block
        side = 2 * block + 1
        self.weight = nn.Parameter(torch.empty(3, width, side, side))
        self.bias = nn.Parameter(torch.full((3,), 0.5))
        nn.init.normal_(self.weight, std=(2.0 / (width * side * side)) ** 0.5)
        self.register_buffer("fold", _phase_taps(block), persistent=False)

    def folded(self) -> tuple[Tensor, Tensor]:
        """The equivalent `(3 block^2, C, 3, 3)` weight and its bias, in the order of blocks."""
        taps = torch.einsum("oiyx,pay,qbx->pqoiab", self.weight, self.fold, self.fold)
        return taps.flatten(0, 2), self.bias.repeat(self.block**2)

    def forward(self, features: Tensor) -> Tensor:
        """`(N, C, H + 2, W + 2)` to blocks `(N, 3 block^2, H, W)`."""
        weight, bias = self.folded()
        return F.conv2d(features, weight, bias)

    def as_convolution(self) -> nn.Conv2d:
        """The same as a plain layer, folded for good: what an export writes."""
        weight, bias = self.folded()
        conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3)
        conv.weight = nn.Parameter(weight.detach().clone())
        conv.bias = nn.Parameter(bias.detach().clone())
        return conv


def _phase_taps(block: int) -> Tensor:
    """`(phase, low tap, high tap)`: offset d of phase p reads low position (p + d) // block."""
    fold = torch.zeros(block, 3, 2 * block + 1)
    for phase in range(block):
        for offset in range(-block, block + 1):
            fold[phase, (phase + offset) // block + 1, offset + block] = 1.0
    return fold
