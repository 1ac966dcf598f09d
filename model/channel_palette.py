"""The palette of a painting, one colour channel at a time: next to nothing to compute."""

import torch
from torch import Tensor, nn

from hsi.model.injection import Injector, frame_moments, spread
from hsi.model.palette import SAMPLED

FLOOR = (1 / 255) ** 2  # of a variance
MOST_GAIN = 1.25  # more would bring out a flat frame's noise, and what INT8 rounds away


class ChannelMatcher(Injector):
    """Gives each of a picture's channels the painting's mean, and nearly its deviation.

    ``P = min(1.25, deviation_s / deviation) (P - mean) + mean_s`` in BGR: AdaIN (Huang and Belongie
    2017, eq. 8) on the picture itself, held back where a picture has little contrast. One product
    and one sum a value, which engines compute on the way to uint8; what
    :class:`~hsi.model.palette.PaletteMatcher` does takes a pass over the picture more.

    It learns nothing. Code: mean_s and deviation_s, which blend. Statistics: mean and variance.

    Args:
        width: Channels, of a picture or of features of one.
        most_gain: By which a deviation is enlarged at most.
        step: Of so many positions, across and down, one counts.
    """

    def __init__(self, width: int = 3, most_gain: float = MOST_GAIN, step: int = SAMPLED) -> None:
        super().__init__(width)
        self.most_gain = most_gain
        self.step = step

    @property
    def code_size(self) -> int:
        """Mean and deviation."""
        return 2 * self.width

    @property
    def statistics_sizes(self) -> dict[str, int]:
        """Mean and variance."""
        return {"mean": self.width, "variance": self.width}

    def style_half(self) -> list[nn.Module]:
        """Nothing that could be trained."""
        return []

    def encode_style(self, levels: list[Tensor]) -> Tensor:
        """Of the painting `(N, C, H, W)`, BGR in [0, 1]; see :meth:`Injector.encode_style`."""
        (painting,) = levels
        mean, variance = frame_moments(painting[:, :, :: self.step, :: self.step])
        return torch.cat([mean, (variance + FLOOR).sqrt()], 1)

    def forward(
        self, features: Tensor, code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The frame half, on a picture `(N, C, H, W)`, BGR near [0, 1]; see :class:`Injector`."""
        seen = features[:, :, :: self.step, :: self.step]
        scale, offset, used = self.levels(seen, code, fed, fed_weight)
        return features.float() * spread(scale) + spread(offset), used

    def levels(
        self, seen: Tensor, code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What becomes of colours: ``scale * bgr + offset``.

        Args:
            seen: What counts of the picture, `(N, C, h, w)`, BGR near [0, 1].
            code: See :meth:`Injector.forward`, as of those that follow.
            fed: Statistics.
            fed_weight: Their share.

        Returns:
            Scale and offset, each `(N, C)`, and the statistics used `(N, 2 C)`.
        """
        own = torch.cat(frame_moments(seen), 1)
        used = own + fed_weight * (fed - own)
        mean, variance = used.chunk(2, 1)
        mean_s, deviation_s = code.chunk(2, 1)
        scale = (deviation_s * (variance + FLOOR).rsqrt()).clamp_max(self.most_gain)
        return scale, mean_s - scale * mean, used
