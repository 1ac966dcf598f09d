"""The paper's losses on VGG-19 features, and the loss networks that give them."""

from itertools import product
from math import hypot
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.model.checkpoint import load_tensors
from hsi.model.palette import opponent_colours
from hsi.model.vgg import small_encoder, vgg19_encoder
from hsi.runtime.errors import SourceError
from hsi.train.options import StyleNorm

# BGR weights of BT.601 luma, as OpenCV's grey conversion has them.
LUMA = (0.114, 0.587, 0.299)
# Unit vectors from the middle of a cube to its faces, edges and corners, one of each two opposite.
DIRECTIONS = [
    [value / hypot(*vector) for value in vector]
    for vector in product((-1, 0, 1), repeat=3)
    if vector > (0, 0, 0)
]


class LossNetwork(nn.Module):
    """VGG-19 features relu1_1 ... relu4_1 of pictures, from VGG-19 itself or from its miniature.

    The miniature carries 1x1 maps to the widths of VGG-19; with them its losses come out in the
    same units (its relu4_1 correlates 0.82 with the real one) at a fifth of the time.
    """

    def __init__(self, path: Path) -> None:
        """Load either file.

        Raises:
            SourceError: The file is missing or holds neither network.
        """
        super().__init__()
        state = load_tensors(path)
        auxiliary = sorted(name for name in state if name.endswith("_aux.weight"))
        self.encoder = small_encoder() if auxiliary else vgg19_encoder()
        self.encoder.load_convs(state, path.name)
        self.maps = nn.ModuleList()
        for name in auxiliary[:4]:
            self.maps.append(_map(state[name], state.get(name.replace("weight", "bias")), path))
        if auxiliary and len(self.maps) < 4:
            raise SourceError(f"{path}: expected 4 maps to VGG-19's widths, found {len(self.maps)}")
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """`(N, 3, H, W)` BGR in [0, 1] to four levels, `(N, 64|128|256|512, ...)`."""
        levels: list[Tensor] = self.encoder(pictures)[:4]
        if not self.maps:
            return levels
        return [torch.relu(m(level)) for m, level in zip(self.maps, levels, strict=True)]


def style_loss(made: list[Tensor], style: list[Tensor], norm: StyleNorm = "l2") -> Tensor:
    """Distance of channel means plus that of deviations, summed over levels (AdaIN form)."""
    return moment_loss(made, [mean_deviation(level) for level in style], norm)


def moment_loss(
    made: list[Tensor], wanted: list[tuple[Tensor, Tensor]], norm: StyleNorm = "l2"
) -> Tensor:
    """The style loss where means and deviations of the style's levels are known already.

    ``mse`` is the mean squared error over channels, ``l2`` its root for each picture: the paper
    writes a norm, and its gradient does not grow with the distance.
    """
    total = made[0].new_zeros((), dtype=torch.float32)
    for level, moments in zip(made, wanted, strict=True):
        for of_a, of_b in zip(mean_deviation(level), moments, strict=True):
            squared = (of_a - of_b).square().mean(1)
            total = total + (squared if norm == "mse" else (squared + 1e-4).sqrt()).mean()
    return total


def content_loss(made: Tensor, content: Tensor) -> Tensor:
    """Mean squared error at relu4_1."""
    return F.mse_loss(made.float(), content.float())


def structure_loss(made: Tensor, content: Tensor) -> Tensor:
    """Mean squared error of features whose channels have mean 0 and deviation 1: where, not what.

    At relu2_1 it sees contours a few pixels wide, at relu1_1 finer ones, and the stairs and dots
    that a network draws there. In [0, 4]; 2 for unrelated pictures.
    """
    apart = []
    for features in (made.float(), content.float()):
        mean, deviation = mean_deviation(features)
        apart.append((features - mean[..., None, None]) / (deviation[..., None, None] + 1e-2))
    return F.mse_loss(apart[0], apart[1])


def teacher_loss(made: list[Tensor], taught: list[Tensor]) -> Tensor:
    """Squared error of features, in parts of their variance in the teacher's pictures.

    At relu1_1 it sees pixels, at relu4_1 forms, and each of the levels counts alike: 0 for the
    teacher's own pictures, near 1 for grey ones.
    """
    shares = []
    for features, wanted in zip(made, taught, strict=True):
        _, deviation = mean_deviation(wanted)
        error = (features.float() - wanted.float()).square().mean()
        shares.append(error / deviation.square().mean())
    return torch.stack(shares).mean()


def palette_loss(made: Tensor, style: Tensor) -> Tensor:
    """Sliced Wasserstein distance between the colours of pictures, wherever they stand.

    Means and deviations of features leave a red hat red under a style without any red. Here the
    colours of each picture, averaged over 4x4 pixels, are projected on fixed directions in opponent
    colours, and the sorted projections compared.

    Args:
        made: `(N, 3, H, W)` BGR in [0, 1].
        style: `(N, 3, k H, k W)`, k whole: of its sorted colours every k-squared-th counts.

    Returns:
        Mean absolute difference, in opponent colours of about unit size.
    """
    directions = made.new_tensor(DIRECTIONS)
    slices = []
    for pictures in (made, style):
        colours = F.avg_pool2d(opponent_colours(pictures), 4).flatten(2)
        slices.append((directions @ colours).sort(2).values)
    every = slices[1].shape[2] // slices[0].shape[2]
    return (slices[0] - slices[1][:, :, every // 2 :: every]).abs().mean()


def grey(pictures: Tensor) -> Tensor:
    """`(N, 3, H, W)` BGR to its luma, repeated to three planes."""
    weights = pictures.new_tensor(LUMA).view(1, 3, 1, 1)
    return (pictures * weights).sum(1, keepdim=True).expand(-1, 3, -1, -1)


def _map(weight: Tensor, bias: Tensor | None, path: Path) -> nn.Conv2d:
    if bias is None or weight.ndim != 4 or bias.shape != weight.shape[:1]:
        raise SourceError(f"{path}: expected 1x1 maps with biases, found others: get it again")
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def mean_deviation(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel of `(N, C, H, W)`, each `(N, C)` float32."""
    features = features.float()
    mean = features.mean((2, 3))
    # A third of the time of Tensor.var on a CPU, forward and backward.
    variance = (features * features).mean((2, 3)) - mean * mean
    return mean, (variance.clamp_min(0) + 1e-5).sqrt()


def require_finite(loss: Tensor, step: int) -> None:
    """Stop a run whose loss is no number.

    Raises:
        SourceError: It is not finite.
    """
    if not torch.isfinite(loss):
        raise SourceError(
            f"step {step}: expected a finite loss, found {loss.item()}: "
            "lower --rate or --style-weight"
        )
