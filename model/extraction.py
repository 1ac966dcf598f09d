"""Global Styles Extraction: four moments per channel, weighted by a dynamic network."""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.model.options import STATISTICS, InjectorOptions

BOUND = 4.0  # of K_s and V_s: beyond it the sigmoid that follows is a switch, and learns no more
LOG_GAUSS = log(1 + 3)  # what a normal distribution's bounded kurtosis is


def channel_moments(features: Tensor) -> Tensor:
    """Mean, variance, skewness and kurtosis over positions (HSI paper, Global Styles Extraction).

    Biased (1/n), kurtosis not in excess; skewness and kurtosis are then bounded by a signed
    ``log1p``, since a nearly dead channel has a kurtosis near n. That of the kurtosis is shifted to
    0 for a normal distribution, or one large constant would drown every style. In float32.

    Args:
        features: `(N, C, H, W)`.

    Returns:
        `(N, 4, C)` float32: mean, variance, bounded skewness, bounded kurtosis.
    """
    flat = features.flatten(2).float()
    mean = flat.mean(2)
    centred = flat - mean.unsqueeze(2)
    squared = centred * centred
    variance = squared.mean(2)
    deviation = (variance + 1e-5).sqrt()
    skewness = (squared * centred).mean(2) / deviation**3
    kurtosis = (squared * squared).mean(2) / deviation**4
    bounded = torch.sign(skewness) * torch.log1p(skewness.abs())
    return torch.stack([mean, variance, bounded, torch.log1p(kurtosis) - LOG_GAUSS], dim=1)


class GlobalStyleExtraction(nn.Module):
    """K to K_s: a dynamic network turns pooled features into the weights of the moments.

    ``K_s = sum_i W_i * moment_i + b`` with ``W (4, C)`` and ``b (C)`` made from the average and
    the maximum of a depth-wise-separable convolution of K (HSI paper, Global Styles Extraction;
    the shapes of W and b are inferred). The result is bounded, softly.
    """

    chosen: Tensor  # 1 for the moments that are used, 0 for the others

    def __init__(self, width: int, hidden: int, options: InjectorOptions) -> None:
        super().__init__()
        self.width = width
        self.split = options.dynamic_head == "split"
        self.separable = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width),
            nn.Conv2d(width, width, 1),
            nn.LeakyReLU(0.2),
        )
        pooled = width if self.split else 2 * width
        # W starts near 1/3 for every moment, so K_s starts at O(1) and depends on all four.
        self.weight_head = _head(pooled, hidden, 4 * width, start=0.33)
        self.bias_head = _head(pooled, hidden, width, start=0.0)
        chosen = [float(name in options.statistics) for name in STATISTICS]
        self.register_buffer("chosen", torch.tensor(chosen).view(1, 4, 1), persistent=False)

    def forward(self, key: Tensor) -> Tensor:
        """Return K_s.

        Args:
            key: `(N, C, H, W)`.

        Returns:
            `(N, C)`.
        """
        (style,) = extract_together([self], key)
        return style

    def weighted(self, moments: Tensor, average: Tensor, maximum: Tensor) -> Tensor:
        """K_s from the moments `(N, 4, C)` of K and the pooled output of ``separable``."""
        both = torch.cat([average, maximum], 1)
        weight: Tensor = self.weight_head(average if self.split else both)
        bias: Tensor = self.bias_head(maximum if self.split else both)
        style = (weight.view_as(moments) * (moments * self.chosen)).sum(1) + bias
        return BOUND * torch.tanh(style / BOUND)


def extract_together(
    extractions: Sequence[GlobalStyleExtraction], keys: Tensor
) -> tuple[Tensor, ...]:
    """Many extractions at once: the moments and poolings of all in one pass over memory.

    Args:
        extractions: One for each run of channels.
        keys: `(N, C_1 + C_2 + ..., H, W)`: their K, one behind the other.

    Returns:
        K_s of each, `(N, C_i)`.
    """
    widths = [extraction.width for extraction in extractions]
    weight, bias = joined_layers([extraction.separable[0] for extraction in extractions])
    mixed = F.conv2d(keys, weight, bias, padding=1, groups=sum(widths)).split(widths, 1)
    pairs = zip(extractions, mixed, strict=True)
    hidden = torch.cat([extraction.separable[1:](part) for extraction, part in pairs], 1)
    flat = hidden.flatten(2)
    parts = (channel_moments(keys), flat.mean(2), flat.amax(2))
    split = [part.split(widths, part.ndim - 1) for part in parts]
    return tuple(e.weighted(*of) for e, *of in zip(extractions, *split, strict=True))


def joined_layers(layers: Sequence[nn.Module]) -> tuple[Tensor, Tensor]:
    """Weights and biases of layers that read the same input, as those of one layer."""
    found = [(layer.weight, layer.bias) for layer in layers if isinstance(layer, nn.Conv2d)]
    weights, biases = zip(*found, strict=True)
    return torch.cat(weights), torch.cat(biases)


def _head(width_in: int, hidden: int, width_out: int, *, start: float) -> nn.Sequential:
    last = nn.Linear(hidden, width_out)
    nn.init.normal_(last.weight, std=0.5 / hidden**0.5)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(nn.Linear(width_in, hidden), nn.LeakyReLU(0.2), last)
