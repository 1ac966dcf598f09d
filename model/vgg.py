"""VGG-19 encoders: the normalised one of the paper's family, and a 16 times smaller one."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.runtime.errors import SourceError

Padding = Literal["reflect", "zeros"]

# Output channels of each convolution; "M" halves the size. Up to relu4_1, the small one to relu5_1.
VGG19_LAYERS = (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512)
SMALL_LAYERS = (16, 16, "M", 32, 32, "M", 64, 64, 64, 64, "M", 128, 128, 128, 128, "M", 128)


class VggEncoder(nn.Module):
    """A stack of 3x3 convolutions that returns relu1_1, relu2_1, ... of a picture.

    The first, 1x1 convolution holds the pictures' normalisation. Pictures are BGR planes in [0, 1].

    Args:
        name: What messages call it.
        layers: Channels per convolution, "M" for a 2x2 max pooling.
        padding_mode: ``reflect`` (as in AdaIN), or ``zeros``, which engines run faster.
    """

    def __init__(
        self, name: str, layers: tuple[int | str, ...], padding_mode: Padding = "reflect"
    ) -> None:
        super().__init__()
        self.name = name
        self.normalise = nn.Conv2d(3, 3, 1)
        self.convs = nn.ModuleList()
        self.plan: list[str] = []  # per step: "pool", "conv" or "tap", a "conv" that is returned
        self.widths: tuple[int, ...] = ()
        width, first = 3, True
        for layer in layers:
            if isinstance(layer, str):
                self.plan.append("pool")
                first = True
                continue
            self.convs.append(nn.Conv2d(width, layer, 3, padding=1, padding_mode=padding_mode))
            self.plan.append("tap" if first else "conv")
            self.widths += (layer,) if first else ()
            width, first = layer, False

    def forward(self, picture: Tensor, depth: int | None = None) -> list[Tensor]:
        """Return `relu1_1 ... relu{4,5}_1`, `(N, C_l, H / 2^l, W / 2^l)` each.

        Args:
            picture: `(N, 3, H, W)` BGR in [0, 1]; H and W at least 16.
            depth: How many of them; None for all.
        """
        convs = iter(self.convs)
        x, taps = self.normalise(picture), []
        for step in self.plan:
            if step == "pool":
                x = F.max_pool2d(x, 2, ceil_mode=True)
                continue
            x = torch.relu(next(convs)(x))
            if step == "tap":
                taps.append(x)
                if len(taps) == depth:
                    break
        return taps

    def activations(self, picture: Tensor) -> list[Tensor]:
        """What each convolution but the first hands on, pooled where the next one reads it so.

        Args:
            picture: As in :meth:`forward`.
        """
        found: list[Tensor] = []
        convs = iter(self.convs)
        x = self.normalise(picture)
        for step in self.plan:
            if step == "pool":
                found[-1] = x = F.max_pool2d(x, 2, ceil_mode=True)
                continue
            x = torch.relu(next(convs)(x))
            found.append(x)
        return found

    def load_convs(self, state: Mapping[str, Tensor], source: str) -> None:
        """Fill the weights, in order, from a state dict made for RGB pictures.

        Args:
            state: Pairs of ``*weight`` and ``*bias``. Those named ``aux`` are left out, and so are
                those after this encoder's last layer.
            source: What messages call the state.

        Raises:
            SourceError: The state does not hold this network, or holds values that are no numbers.
        """
        weights = [v for k, v in state.items() if k.endswith("weight") and "aux" not in k]
        biases = [v for k, v in state.items() if k.endswith("bias") and "aux" not in k]
        own = [self.normalise, *self.convs]
        if min(len(weights), len(biases)) < len(own):
            raise SourceError(
                f"{source}: expected {self.name} with {len(own)} convolutions, found "
                f"{min(len(weights), len(biases))}: give that network's file"
            )
        for conv, weight, bias in zip(own, weights, biases, strict=False):
            if conv.weight.shape != weight.shape or conv.bias.shape != bias.shape:
                raise SourceError(
                    f"{source}: expected {self.name} with a convolution {_size(conv.weight)}, "
                    f"found {_size(weight)}: give that network's file"
                )
            if not (torch.isfinite(weight).all() and torch.isfinite(bias).all()):
                raise SourceError(
                    f"{source}: expected numbers, found NaN or infinity: get the file again"
                )
            conv.weight.data.copy_(weight)
            conv.bias.data.copy_(bias)
        # The published weights take RGB and this project's planes are BGR, as OpenCV gives them.
        self.normalise.weight.data.copy_(self.normalise.weight.data.flip(1))


def vgg19_encoder() -> VggEncoder:
    """VGG-19 up to relu4_1 with reflection padding, as AdaIN and its successors use it."""
    return VggEncoder("VGG-19 normalised as AdaIN's", VGG19_LAYERS)


def small_encoder(padding_mode: Padding = "reflect") -> VggEncoder:
    """VGG-19 compressed 16 times by collaborative distillation, up to relu5_1."""
    return VggEncoder("VGG-19 compressed 16 times", SMALL_LAYERS, padding_mode)


def _size(weight: Tensor) -> str:
    return "x".join(map(str, weight.shape))
