"""The palette of a painting: mean and covariance of its colours, given to a picture."""

import torch
from torch import Tensor

from hsi.model.injection import Injector, spread

FLOOR = 1e-3  # of a variance of opponent colours, which are near 1 in a painting
MEAN, COVARIANCE = 3, 6  # numbers of a palette: (0,0) (1,0) (1,1) (2,0) (2,1) (2,2)

Rows = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]  # of a lower triangle, (N, 1) each


class PaletteMatcher(Injector):
    """Gives a picture the mean and the covariance of a painting's colours.

    ``P = L_s L^-1 (P - mean) + mean_s`` in opponent colours, where L and L_s are the Cholesky
    factors of the covariances of picture and painting (the linear maps of colours between normal
    distributions, Pitie and Kokaram 2007, section 2). Lightness comes first, so it depends on the
    picture's lightness alone, and what was light and what was dark stays so. Not the HSI paper's,
    but in its way: a style enters by global statistics.

    It learns nothing. Code: mean and L_s, which blend. Statistics: mean and covariance.
    """

    scale: Tensor  # what the result is multiplied by: an export makes pixels of it

    def __init__(self) -> None:
        super().__init__(3)
        self.register_buffer("scale", torch.ones(1), persistent=False)

    @property
    def code_size(self) -> int:
        """Mean and the lower triangle of L_s."""
        return MEAN + COVARIANCE

    @property
    def statistics_sizes(self) -> dict[str, int]:
        """Mean, and the lower triangle of the covariance."""
        return {"mean": MEAN, "covariance": COVARIANCE}

    def style_half(self) -> list[torch.nn.Module]:
        """Nothing that could be trained."""
        return []

    def encode_style(self, levels: list[Tensor]) -> Tensor:
        """Of the painting, `(N, 3, H, W)` BGR in [0, 1]; see :meth:`Injector.encode_style`."""
        (painting,) = levels
        mean, covariance = palette_of(opponent_colours(painting.float()))
        return torch.cat([mean, *_factor(covariance)], 1)

    def forward(
        self, features: Tensor, code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The frame half, on a picture `(N, 3, H, W)` BGR near [0, 1]; see :class:`Injector`."""
        colours = opponent_colours(features.float())
        own = torch.cat(palette_of(colours), 1)
        used = own + fed_weight * (fed - own)
        mean, covariance = used.split([MEAN, COVARIANCE], 1)
        mean_s, factor_s = code.split([MEAN, COVARIANCE], 1)
        rows = _map(_factor(covariance), factor_s.split(1, 1))
        first, second, third = (colours - spread(mean)).split(1, 1)
        t00, t10, t11, t20, t21, t22 = (spread(row) for row in rows)
        lightness, red_blue, green_magenta = (spread(one) for one in mean_s.split(1, 1))
        made = (
            t00 * first + lightness,
            t10 * first + t11 * second + red_blue,
            t20 * first + t21 * second + t22 * third + green_magenta,
        )
        return _picture(*made) * self.scale, used


def palette_of(colours: Tensor) -> tuple[Tensor, Tensor]:
    """Mean `(N, 3)` and lower triangle of the biased covariance `(N, 6)` of `(N, 3, H, W)`."""
    mean = colours.mean((2, 3))
    planes = (colours - spread(mean)).unbind(1)
    pairs = [planes[i] * planes[j] for i in range(3) for j in range(i + 1)]
    return mean, torch.stack([pair.mean((1, 2)) for pair in pairs], 1)


def _factor(covariance: Tensor) -> Rows:
    """The Cholesky factor of `(N, 6)`, the floor added to the variances."""
    c00, c10, c11, c20, c21, c22 = covariance.split(1, 1)
    l00 = (c00.clamp_min(0) + FLOOR).sqrt()
    l10, l20 = c10 / l00, c20 / l00
    # What is left of a variance is no less than 0 but for rounding.
    l11 = ((c11 - l10 * l10).clamp_min(0) + FLOOR).sqrt()
    l21 = (c21 - l20 * l10) / l11
    l22 = ((c22 - l20 * l20 - l21 * l21).clamp_min(0) + FLOOR).sqrt()
    return l00, l10, l11, l20, l21, l22


def _map(factor: Rows, factor_s: tuple[Tensor, ...]) -> Rows:
    """The lower triangle of L_s L^-1."""
    l00, l10, l11, l20, l21, l22 = factor
    s00, s10, s11, s20, s21, s22 = factor_s
    t11, t22 = s11 / l11, s22 / l22
    t21 = (s21 - t22 * l21) / l11
    t10 = (s10 - t11 * l10) / l00
    t20 = (s20 - t21 * l10 - t22 * l20) / l00
    return s00 / l00, t10, t11, t20, t21, t22


def opponent_colours(picture: Tensor) -> Tensor:
    """`(N, 3, H, W)` BGR in [0, 1] to lightness, red-blue and green-magenta, near unit size."""
    blue, green, red = picture.unbind(1)
    lightness = (blue + green + red) * (4 / 3) - 2
    return torch.stack([lightness, 6 * (red - blue), 12 * green - 6 * (red + blue)], 1)


def _picture(lightness: Tensor, red_blue: Tensor, green_magenta: Tensor) -> Tensor:
    """The inverse of :func:`opponent_colours`, of `(N, 1, H, W)` each."""
    total = (lightness + 2) * (3 / 4)
    green = green_magenta * (1 / 18) + total * (1 / 3)
    red_and_blue, difference = total - green, red_blue * (1 / 6)
    return torch.cat(
        [(red_and_blue - difference) * 0.5, green, (red_and_blue + difference) * 0.5], 1
    )
