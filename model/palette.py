"""The palette of a painting: mean and covariance of its colours, given to a picture."""

import torch
from torch import Tensor, nn

from hsi.model.injection import Injector, spread

SAMPLED = 4  # of so many pixels, across and down, one counts: moments need samples, not neighbours
FLOOR = 1e-3  # of a variance of opponent colours, which are near 1 in a painting
MOST_GAIN = 3.0  # of a colour's deviation: beyond, a flat frame's noise would be the picture
MEAN, COVARIANCE = 3, 6  # numbers of a palette; of the covariance the lower triangle, row by row
TRIANGLE = (0, 3, 4, 6, 7, 8)  # its places in a 3x3 matrix
WHOLE = (0, 1, 3, 1, 2, 4, 3, 4, 5)  # and those of a symmetric matrix in it

# BGR to lightness, red-blue and green-magenta, near unit size, and back.
OPPONENT = ((4 / 3, 4 / 3, 4 / 3), (-6.0, 0.0, 6.0), (-6.0, 12.0, -6.0))
BGR = ((1 / 4, -1 / 12, -1 / 36), (1 / 4, 0.0, 1 / 18), (1 / 4, 1 / 12, -1 / 36))

Rows = tuple[Tensor, ...]  # of a lower triangle, six of (N, 1)


class PaletteMatcher(Injector):
    """Gives a picture the mean and the covariance of a painting's colours.

    ``P = M (P - mean) + mean_s`` with ``M = L_s L^-1`` in opponent colours, where L and L_s are the
    Cholesky factors of the covariances of picture and painting (as in Pitie and Kokaram 2007).
    Lightness comes first, so it depends on the picture's lightness alone, and what was light and
    what was dark stays so. What is nearly flat stays calm: L's diagonal is at least a third of
    L_s's. Not the HSI paper's, but in its way: a style enters by global statistics, and the rest is
    one product for each pixel.

    It learns nothing. Code: mean_s and L_s, which blend. Statistics: mean and covariance, BGR.
    """

    def __init__(self) -> None:
        super().__init__(3)

    @property
    def code_size(self) -> int:
        """Mean and the lower triangle of L_s."""
        return MEAN + COVARIANCE

    @property
    def statistics_sizes(self) -> dict[str, int]:
        """Mean, and the lower triangle of the covariance."""
        return {"mean": MEAN, "covariance": COVARIANCE}

    def style_half(self) -> list[nn.Module]:
        """Nothing that could be trained."""
        return []

    def encode_style(self, levels: list[Tensor]) -> Tensor:
        """Of the painting, `(N, 3, H, W)` BGR in [0, 1]; see :meth:`Injector.encode_style`."""
        (painting,) = levels
        mean, covariance = palette_of(painting[:, :, ::SAMPLED, ::SAMPLED])
        return torch.cat([mean, *_factor(_opponent(covariance))], 1)

    def forward(
        self, features: Tensor, code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The frame half, on a picture `(N, 3, H, W)` BGR near [0, 1]; see :class:`Injector`."""
        seen = features[:, :, ::SAMPLED, ::SAMPLED]
        matrix, offset, used = self.colour_map(seen, code, fed, fed_weight)
        planes = features.float().split(1, 1)
        columns = [spread(column) for column in matrix.unbind(2)]
        made = spread(offset)
        for plane, column in zip(planes, columns, strict=True):
            made = made + plane * column
        return made, used

    def colour_map(
        self, seen: Tensor, code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What becomes of colours: ``matrix @ bgr + offset``.

        Args:
            seen: What counts of the picture, `(N, 3, h, w)` BGR near [0, 1].
            code: See :meth:`Injector.forward`, as of those that follow.
            fed: Statistics.
            fed_weight: Their share.

        Returns:
            Matrix `(N, 3, 3)`, offset `(N, 3)`, and the statistics used `(N, 9)`.
        """
        own = torch.cat(palette_of(seen), 1)
        used = own + fed_weight * (fed - own)
        mean, covariance = used.split([MEAN, COVARIANCE], 1)
        mean_s, factor_s = code.split([MEAN, COVARIANCE], 1)
        rows_s = factor_s.split(1, 1)
        triangle = _quotient(rows_s, _factor(_opponent(covariance), rows_s))
        made = _product(_product(_constant(BGR, mean), triangle), _constant(OPPONENT, mean))
        return made, mean_s - (made * mean.unsqueeze(1)).sum(2), used


def palette_of(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Mean `(N, 3)` and lower triangle of the biased covariance `(N, 6)`, float32."""
    picture = picture.float()
    mean = picture.mean((2, 3))
    planes = (picture - spread(mean)).unbind(1)
    pairs = [planes[i] * planes[j] for i in range(3) for j in range(i + 1)]
    return mean, torch.stack([pair.mean((1, 2)) for pair in pairs], 1)


def opponent_colours(picture: Tensor) -> Tensor:
    """`(N, 3, H, W)` BGR in [0, 1] to lightness, red-blue and green-magenta, near unit size."""
    blue, green, red = picture.unbind(1)
    lightness = (blue + green + red) * (4 / 3) - 2
    return torch.stack([lightness, 6 * (red - blue), 12 * green - 6 * (red + blue)], 1)


def _opponent(covariance: Tensor) -> Tensor:
    """A covariance of BGR `(N, 6)` as one of opponent colours."""
    there = _constant(OPPONENT, covariance)
    whole = _chosen(covariance, WHOLE).unflatten(1, (3, 3))
    return _chosen(_product(_product(there, whole), there.transpose(1, 2)).flatten(1), TRIANGLE)


def _factor(covariance: Tensor, wanted: Rows | None = None) -> Rows:
    """The Cholesky factor of `(N, 6)`, the floor added to the variances.

    With one wanted in its place, the diagonal is no smaller than the most gain allows.
    """

    def root(variance: Tensor, place: int) -> Tensor:
        # What is left of a variance is no less than 0 but for rounding.
        deviation = (variance.clamp_min(0) + FLOOR).sqrt()
        return deviation if wanted is None else deviation.maximum(wanted[place] / MOST_GAIN)

    c00, c10, c11, c20, c21, c22 = covariance.split(1, 1)
    l00 = root(c00, 0)
    l10, l20 = c10 / l00, c20 / l00
    l11 = root(c11 - l10 * l10, 2)
    l21 = (c21 - l20 * l10) / l11
    l22 = root(c22 - l20 * l20 - l21 * l21, 5)
    return l00, l10, l11, l20, l21, l22


def _quotient(factor_s: Rows, factor: Rows) -> Tensor:
    """L_s L^-1, `(N, 3, 3)`."""
    s00, s10, s11, s20, s21, s22 = factor_s
    l00, l10, l11, l20, l21, l22 = factor
    t11, t22 = s11 / l11, s22 / l22
    t21 = (s21 - t22 * l21) / l11
    t10 = (s10 - t11 * l10) / l00
    t20 = (s20 - t21 * l10 - t22 * l20) / l00
    none = torch.zeros_like(l00)
    rows = [s00 / l00, none, none, t10, t11, none, t20, t21, t22]
    made: Tensor = torch.cat(rows, 1).unflatten(1, (3, 3))
    return made


def _product(left: Tensor, right: Tensor) -> Tensor:
    # By hand: autocast would make a matrix product one of bfloat16.
    made: Tensor = (left.unsqueeze(3) * right.unsqueeze(1)).sum(2)
    return made


def _chosen(values: Tensor, columns: tuple[int, ...]) -> Tensor:
    return values.index_select(1, torch.tensor(columns, device=values.device))


def _constant(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    return torch.tensor(rows, dtype=like.dtype, device=like.device).unsqueeze(0)
