"""Plain moment matching, to measure what an HSI module gives beyond it."""

import torch
from torch import Tensor, nn

from hsi.model.injection import Injector, frame_moments, spread


class MomentMatcher(Injector):
    """AdaIN in the place of an HSI module: features take the style's mean and deviation.

    ``F_cs = deviation_s * (F_c - mean) / deviation + mean_s`` (Huang and Belongie 2017, eq. 8),
    with ``mean_s`` and ``deviation_s`` those of the style levels behind a 1x1 convolution each, for
    the style side has widths of its own, averaged over levels.
    """

    def __init__(self, width: int, style_widths: tuple[int, ...], deviation_floor: float) -> None:
        super().__init__(width)
        self.deviation_floor = deviation_floor
        self.values = nn.ModuleList(_value(c, width) for c in style_widths)

    @property
    def code_size(self) -> int:
        """Deviation and mean."""
        return 2 * self.width

    @property
    def statistics_sizes(self) -> dict[str, int]:
        """Mean and variance."""
        return {"mean": self.width, "variance": self.width}

    def style_half(self) -> list[nn.Module]:
        """See :meth:`Injector.style_half`."""
        return [self.values]

    def encode_style(self, levels: list[Tensor]) -> Tensor:
        """Deviation and mean of the projected levels; see :meth:`Injector.encode_style`."""
        codes = []
        for layer, level in zip(self.values, levels, strict=True):
            variance, mean = torch.var_mean(layer(level).float(), (2, 3), correction=0)
            codes.append(torch.cat([(variance + self.deviation_floor).sqrt(), mean], 1))
        return torch.stack(codes).mean(0)

    def forward(
        self, features: Tensor, code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The frame half; see :meth:`Injector.forward`."""
        own = torch.cat(frame_moments(features), 1)
        used = own + fed_weight * (fed - own)
        mean, variance = used.chunk(2, 1)
        deviation_s, mean_s = code.chunk(2, 1)
        scale = deviation_s * (variance + self.deviation_floor).rsqrt()
        return (features - spread(mean)) * spread(scale) + spread(mean_s), used


def _value(width_in: int, width_out: int) -> nn.Conv2d:
    layer = nn.Conv2d(width_in, width_out, 1)
    if width_in == width_out:  # frame and style come from one encoder: AdaIN itself, to begin with
        nn.init.dirac_(layer.weight)
        layer.bias = nn.Parameter(torch.zeros(width_out))
    return layer
