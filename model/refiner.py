"""What a finished picture lacks of the painting's fine features, drawn as a difference."""

from typing import cast

from torch import Tensor, nn

from hsi.model.convolution import reflecting_convolution


class RefiningDecoder(nn.Module):
    """relu2_1 back to pixels: how features are changed becomes how the picture is."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.Sequential(
            reflecting_convolution(128, 64),
            nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="nearest"),
            reflecting_convolution(64, 64),
            nn.ReLU(),
            reflecting_convolution(64, 3),
        )

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """Those that stand for what relu2_1, relu1_2 and relu1_1 were made of."""
        return [cast("nn.Conv2d", self.steps[place]) for place in (0, 3, 5)]

    def forward(self, seen: Tensor, wanted: Tensor) -> Tensor:
        """The change of a picture that changes its relu2_1 to what is wanted.

        Args:
            seen: relu2_1 of the picture, `(N, 128, H, W)`.
            wanted: The same as it shall be.

        Returns:
            `(N, 3, 2 H, 2 W)`, in units of the picture.
        """
        change: Tensor = self.steps(wanted) - self.steps(seen)
        return change
