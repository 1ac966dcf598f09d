"""``hsi-edge``: the light network, for CPUs and small GPUs."""

from torch import Tensor, nn
from torch.nn import functional as F

from hsi.model.injection import Injection, Injector
from hsi.model.network import StyleNetwork, build_injector
from hsi.model.options import NetworkOptions
from hsi.model.palette import opponent_colours
from hsi.model.picture_head import PictureHead
from hsi.model.vgg import small_encoder

# Deviation of the compressed VGG's relu1_1 ... relu5_1 over paintings: levels enter at one scale.
LEVEL_DEVIATIONS = (6.2, 6.9, 3.6, 2.2, 3.3)


class EdgeNetwork(StyleNetwork):
    """``hsi-edge``: HSI modules on a light encoder and decoder, for CPUs and small GPUs.

    Blocks of 4x4 pixels, one convolution, a trunk at stride 8 where convolutions are cheap and see
    far, a styled skip at stride 4 for detail, and blocks of pixels again. The style side is the
    opponent colours of the picture and the five levels of the compressed VGG-19, all of which feed
    every module.

    No convolution pads by itself. The frame comes with a margin, which those at stride 2 and 4 use
    up; at stride 8, where it is cheap, the rim is repeated once for each two. Padding at every
    layer would be a pass over memory at every layer, and behind zeros a network finds the rim, and
    draws the style there instead of inside.
    """

    block = 4
    made_block = 2
    margin = 12  # 3 blocks: one each for the stem, the fusion, and the two fine convolutions

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__(options)
        stem, body, head = options.stem_width, options.body_width, options.head_width
        self.style_encoder = small_encoder("zeros").requires_grad_(False)
        levels = (3, *self.style_encoder.widths)
        self.stem = nn.Conv2d(3 * self.block**2, stem, 3)
        self.down = nn.Conv2d(stem, body, 3, stride=2)
        self.body_injectors = nn.ModuleList(
            build_injector(body, levels, options) for _ in range(options.modules)
        )
        self.blocks = nn.ModuleList(ResidualBlock(body) for _ in range(options.modules))
        self.skip_injector = build_injector(stem, levels, options)
        self.narrow = nn.Conv2d(body, stem, 1)
        self.fuse = nn.Conv2d(stem, stem, 3)
        self.fine = nn.Conv2d(stem, head, 3)
        self.head = PictureHead(head, self.made_block)

    def style_levels(self, style: Tensor) -> list[Tensor]:
        """Opponent colours, then relu1_1 ... relu5_1 of the compressed VGG-19, at stride 8 or more.

        The features hold brightness far above colour, so the palette has a level of its own.
        Moments need samples, not neighbours: the fine levels are sub-sampled, not averaged.
        """
        levels: list[Tensor] = self.style_encoder(style)
        scaled = [v * (1 / d) for v, d in zip(levels, LEVEL_DEVIATIONS, strict=True)]
        fine = [scaled[i][:, :, :: 8 >> i, :: 8 >> i] for i in range(3)]
        return [opponent_colours(style[:, :, ::8, ::8]), *fine, *scaled[3:]]

    def feature_injectors(self) -> list[Injector]:
        """The trunk's modules, then the skip's."""
        return [*self.body_injectors, self.skip_injector]

    def picture_weights(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Those of the stem and of the head."""
        return self.stem.weight, self.head.weight, self.head.bias

    def render(self, frame: Tensor, inject: Injection) -> Tensor:
        """Encode, style and decode."""
        stem = _active(self.stem(frame))
        x = _active(self.down(stem))
        for block in self.blocks:
            x = block(inject(x))
        # Of the margin one step at stride 8 is left on the left and the top, none on the right and
        # the bottom: one is repeated there, so that trunk and stem overhang the frame alike.
        coarse = self.narrow(F.pad(x, (0, 1, 0, 1), mode="replicate"))
        smooth = F.interpolate(coarse, scale_factor=2.0, mode="bilinear")
        x = _active(smooth + inject(stem))
        x = _active(self.fine(_doubled(_active(self.fuse(x)))))
        blocks: Tensor = self.head(x)
        return blocks


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="nearest")


def _active(features: Tensor) -> Tensor:
    # Leaky: where a plain ReLU closes all channels at once, the picture has a grey hole for good.
    return F.leaky_relu(features, 0.1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a skip; the rim is repeated once for both."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3)
        self.second = nn.Conv2d(width, width, 3)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]
        self.second.weight.data.mul_(0.3)

    def forward(self, features: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same."""
        rimmed = F.pad(features, (2, 2, 2, 2), mode="replicate")
        change: Tensor = self.second(_active(self.first(rimmed)))
        return features + change
