"""Where a style meets the frame path: what a module is, and how each gets its parts."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Injector(nn.Module, ABC):
    """A module through which a style enters features, split into a style half and a frame half.

    Args:
        width: Channels of the features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    @property
    @abstractmethod
    def code_size(self) -> int:
        """Length of this module's part of a style code."""

    @property
    @abstractmethod
    def statistics_sizes(self) -> dict[str, int]:
        """Global quantities of a frame by name, and their lengths, in the order of the vector."""

    @abstractmethod
    def style_half(self) -> list[nn.Module]:
        """What makes the module's part of a style code, and no frame comes through."""

    @property
    def statistics_size(self) -> int:
        """Length of this module's part of the statistics vector."""
        return sum(self.statistics_sizes.values())

    @abstractmethod
    def encode_style(self, levels: list[Tensor]) -> Tensor:
        """The style half, run once per style.

        Args:
            levels: Style features, one `(N, C_l, H_l, W_l)` per level.

        Returns:
            `(N, code_size)`.
        """

    @abstractmethod
    def forward(
        self, features: Tensor, code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The frame half.

        Args:
            features: F_c, `(N, C, H, W)`.
            code: `(N, code_size)` from the style half, or a blend of several.
            fed: `(N, statistics_size)` statistics from elsewhere.
            fed_weight: `(N, 1)` in [0, 1]: 0 uses the frame's own statistics, 1 the fed ones.

        Returns:
            F_cs `(N, C, H, W)`, and the statistics used, `(N, statistics_size)`.
        """


class Injection:
    """Hands each module, in order, its parts of the code and of the fed-in statistics."""

    def __init__(
        self, injectors: Sequence[Injector], code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> None:
        self._codes = code.split([i.code_size for i in injectors], 1)
        self._fed = fed.split([i.statistics_size for i in injectors], 1)
        self._weight = fed_weight
        self._injectors = injectors
        self.used: list[Tensor] = []

    def __call__(self, features: Tensor) -> Tensor:
        """Run the next module."""
        module, *parts = self.coming()
        features, used = module(features, *parts)
        self.used.append(used)
        return features

    def coming(self) -> tuple[Injector, Tensor, Tensor, Tensor]:
        """The next module and its parts: code, fed-in statistics and their weight."""
        number = len(self.used)
        return self._injectors[number], self._codes[number], self._fed[number], self._weight


def frame_moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel, `(N, C)` float32, in two reductions."""
    features = features.float()
    mean = features.mean((2, 3))
    # |x|^2 / n - E[x]^2 is one reduction, where centring first is a pass over memory more;
    # float32 holds it for features whose mean and deviation are of one size, and the clamp
    # catches rounding on constant frames.
    norm = torch.linalg.vector_norm(features, dim=(2, 3))
    positions = features.shape[2] * features.shape[3]
    return mean, (norm * norm / positions - mean * mean).clamp_min(0.0)


def spread(vector: Tensor) -> Tensor:
    """`(N, C)` to `(N, C, 1, 1)`."""
    return vector.unsqueeze(-1).unsqueeze(-1)
