"""Up-sampling by two without a grid, at the price of a pixel shuffle."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class UpsampleConv(nn.Module):
    """Nearest-neighbour x2, then a 5x5 convolution with its rim repeated, at the low resolution.

    The paper's decoder up-samples and then convolves, which leaves no checkerboard: on flat ground
    all four phases of the output see the same sums. That chain equals one 3x3 convolution with four
    times the channels and a pixel shuffle, which is what runs: the 5x5 kernel is folded into it.
    """

    fold: Tensor

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width_out, width_in, 5, 5))
        self.bias = nn.Parameter(torch.zeros(width_out))
        nn.init.normal_(self.weight, std=(2.0 / (width_in * 25)) ** 0.5)
        self.register_buffer("fold", _phase_taps(), persistent=False)

    def folded(self) -> tuple[Tensor, Tensor]:
        """The equivalent 3x3 weight `(4 O, I, 3, 3)` and bias `(4 O,)` before a pixel shuffle."""
        taps = torch.einsum("oiyx,pay,qbx->opqiab", self.weight, self.fold, self.fold)
        return taps.flatten(0, 2), self.bias.repeat_interleave(4)

    def forward(self, features: Tensor) -> Tensor:
        """`(N, I, H, W)` to `(N, O, 2 H, 2 W)`."""
        weight, bias = self.folded()
        padded = F.pad(features, (1, 1, 1, 1), mode="replicate")
        return F.pixel_shuffle(F.conv2d(padded, weight, bias), 2)

    def as_convolution(self) -> nn.Sequential:
        """The same as plain layers, folded for good: what an export writes."""
        weight, bias = self.folded()
        shape = weight.shape
        conv = nn.Conv2d(shape[1], shape[0], 3, padding=1, padding_mode="replicate")
        conv.weight = nn.Parameter(weight.detach().clone())
        conv.bias = nn.Parameter(bias.detach().clone())
        return nn.Sequential(conv, nn.PixelShuffle(2))


def _phase_taps() -> Tensor:
    """`(phase, low tap, high tap)`: high-resolution offset d of phase p reads low (p + d) // 2."""
    fold = torch.zeros(2, 3, 5)
    for phase in range(2):
        for offset in range(-2, 3):
            fold[phase, (phase + offset) // 2 + 1, offset + 2] = 1.0
    return fold
