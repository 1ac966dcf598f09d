"""The networks: one split into style side and frame path, two presets behind it."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.model.injector import StyleInjector
from hsi.model.options import NetworkOptions
from hsi.model.upsample import UpsampleConv
from hsi.model.vgg import small_encoder, vgg19_encoder

# Deviation of the compressed VGG's relu1_1 ... relu5_1 over paintings: levels enter at one scale.
LEVEL_DEVIATIONS = (6.2, 6.9, 3.6, 2.2, 3.3)


class StyleNetwork(nn.Module, ABC):
    """Arbitrary style transfer in two halves that meet in a few kilobytes.

    ``encode_style`` runs once per style picture; ``forward`` runs per frame and never sees the
    style picture. All pictures are BGR planes in [0, 1], as OpenCV delivers them.
    """

    stride = 8  # the frame path works on multiples of this

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.options = options

    @abstractmethod
    def style_levels(self, style: Tensor) -> list[Tensor]:
        """Features of a style picture `(N, 3, H, W)`, one tensor per level."""

    @abstractmethod
    def injectors(self) -> list[StyleInjector]:
        """The HSI modules in the order in which codes and statistics are laid out."""

    @abstractmethod
    def render(self, frame: Tensor, inject: "Injection") -> Tensor:
        """The frame path: `(N, 3, H, W)` to the stylised `(N, 3, H, W)`, not yet clamped."""

    @abstractmethod
    def picture_layers(self) -> tuple[nn.Conv2d, "nn.Conv2d | UpsampleConv"]:
        """The first layer and the last: both linear, where an export folds the pixel scale."""

    @property
    def code_size(self) -> int:
        """Floats in a style code."""
        return sum(injector.code_size for injector in self.injectors())

    @property
    def statistics_size(self) -> int:
        """Floats in the statistics vector."""
        return sum(injector.statistics_size for injector in self.injectors())

    def encode_style(self, style: Tensor) -> Tensor:
        """Turn style pictures into style codes, which blend linearly.

        Args:
            style: `(N, 3, H, W)` BGR in [0, 1], sides at least 32.

        Returns:
            `(N, code_size)` float32.
        """
        levels = self.style_levels(style)
        return torch.cat([injector.encode_style(levels) for injector in self.injectors()], 1)

    def forward(
        self,
        frame: Tensor,
        code: Tensor,
        statistics: Tensor | None = None,
        statistics_weight: Tensor | None = None,
        strength: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Stylise frames.

        Args:
            frame: `(N, 3, H, W)` BGR in [0, 1]. The last row and column are repeated to the next
                multiple of ``stride``.
            code: `(N, code_size)`.
            statistics: `(N, statistics_size)` fed-in global statistics; None for the frame's own.
            statistics_weight: `(N, 1)` in [0, 1]: share of the fed-in statistics in those used.
                Feeding back what the last frame returned, at a weight w, is an exponential mean.
            strength: `(N, 1)` in [0, 1], 1 when None. The result is mixed with the frame, so 0 is
                the frame itself, exactly.

        Returns:
            `(N, 3, H, W)`, not clamped to [0, 1], and the statistics used `(N, statistics_size)`.
        """
        if statistics is None:
            statistics = frame.new_zeros(frame.shape[0], self.statistics_size)
        if statistics_weight is None:
            statistics_weight = frame.new_zeros(frame.shape[0], 1)
        inject = Injection(self.injectors(), code, statistics, statistics_weight)
        height, width = frame.shape[2], frame.shape[3]
        stylised = self.render(self._padded(frame), inject)[:, :, :height, :width]
        if strength is not None:
            mix = strength.unsqueeze(-1).unsqueeze(-1)
            stylised = stylised * mix + frame * (1 - mix)
        return stylised, torch.cat(inject.used, 1)

    def _padded(self, frame: Tensor) -> Tensor:
        """Repeat the last row and column of `(N, C, H, W)` up to the stride."""
        edges: list[int] = []
        for side in (frame.shape[3], frame.shape[2]):
            whole = (side + self.stride - 1) // self.stride * self.stride
            edges += [0, whole - side]
        return F.pad(frame, edges, mode="replicate")


class Injection:
    """Hands each HSI module, in order, its parts of the code and of the fed-in statistics."""

    def __init__(
        self, injectors: list[StyleInjector], code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> None:
        self._codes = code.split([i.code_size for i in injectors], 1)
        self._fed = fed.split([i.statistics_size for i in injectors], 1)
        self._weight = fed_weight
        self._injectors = injectors
        self.used: list[Tensor] = []

    def __call__(self, features: Tensor) -> Tensor:
        """Run the next module."""
        number = len(self.used)
        features, used = self._injectors[number](
            features, self._codes[number], self._fed[number], self._weight
        )
        self.used.append(used)
        return features


class EdgeNetwork(StyleNetwork):
    """``hsi-edge``: HSI modules on a light encoder and decoder, for CPUs and small GPUs.

    Space-to-depth by 4, one convolution, a trunk at stride 8 where convolutions are cheap and see
    far, a styled skip at stride 4 for detail, and a decoder of :class:`UpsampleConv`. The style
    side is the opponent colours of the picture and the five levels of the compressed VGG-19, all of
    which feed every module.
    """

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__(options)
        stem, body, head = options.stem_width, options.body_width, options.head_width
        self.style_encoder = small_encoder("zeros").requires_grad_(False)
        levels, hidden = (3, *self.style_encoder.widths), options.style_hidden
        self.stem = _conv(48, stem)
        self.down = _conv(stem, body, stride=2)
        self.body_injectors = nn.ModuleList(
            StyleInjector(body, levels, hidden, options.injector) for _ in range(options.modules)
        )
        self.blocks = nn.ModuleList(ResidualBlock(body) for _ in range(options.modules))
        self.skip_injector = StyleInjector(stem, levels, hidden, options.injector)
        self.up = UpsampleConv(body, stem)
        self.head = UpsampleConv(stem, head)
        self.picture = UpsampleConv(head, 3)
        nn.init.constant_(self.picture.bias, 0.5)

    def style_levels(self, style: Tensor) -> list[Tensor]:
        """Opponent colours, then relu1_1 ... relu5_1 of the compressed VGG-19, at stride 8 or more.

        The features hold brightness far above colour, so the palette has a level of its own.
        Moments need samples, not neighbours: the fine levels are sub-sampled, not averaged.
        """
        levels: list[Tensor] = self.style_encoder(style)
        scaled = [v * (1 / d) for v, d in zip(levels, LEVEL_DEVIATIONS, strict=True)]
        fine = [scaled[i][:, :, :: 8 >> i, :: 8 >> i] for i in range(3)]
        return [opponent_colours(style[:, :, ::8, ::8]), *fine, *scaled[3:]]

    def injectors(self) -> list[StyleInjector]:
        """The trunk's modules, then the skip's."""
        return [*self.body_injectors, self.skip_injector]

    def picture_layers(self) -> tuple[nn.Conv2d, UpsampleConv]:
        """The stem and the last up-sampling."""
        return self.stem, self.picture

    def render(self, frame: Tensor, inject: Injection) -> Tensor:
        """Encode, style and decode."""
        stem = _active(self.stem(F.pixel_unshuffle(frame, 4)))
        x = _active(self.down(stem))
        for block in self.blocks:
            x = block(inject(x))
        x = _active(self.up(x) + inject(stem))
        x = _active(self.head(x))
        picture: Tensor = self.picture(x)
        return picture


def _conv(width_in: int, width_out: int, stride: int = 1) -> nn.Conv2d:
    # Behind zero padding a network finds the rim, and draws the style there instead of inside.
    return nn.Conv2d(width_in, width_out, 3, stride, padding=1, padding_mode="replicate")


def _active(features: Tensor) -> Tensor:
    # Leaky: where a plain ReLU closes all channels at once, the picture has a grey hole for good.
    return F.leaky_relu(features, 0.1)


def opponent_colours(picture: Tensor) -> Tensor:
    """`(N, 3, H, W)` BGR in [0, 1] to lightness, red-blue and green-magenta, near unit size."""
    blue, green, red = picture.unbind(1)
    lightness = (blue + green + red) * (4 / 3) - 2
    return torch.stack([lightness, 6 * (red - blue), 12 * green - 6 * (red + blue)], 1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = _conv(width, width)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]
        self.second.weight.data.mul_(0.3)

    def forward(self, features: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same."""
        change: Tensor = self.second(_active(self.first(features)))
        return features + change


class VggNetwork(StyleNetwork):
    """``hsi-vgg``, the paper's network: frozen VGG-19, cascaded modules, mirrored decoder."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__(options)
        self.encoder = vgg19_encoder().requires_grad_(False)
        width = self.encoder.widths[-1]
        self.cascade = nn.ModuleList(
            StyleInjector(width, (width,), options.style_hidden, options.injector)
            for _ in range(options.modules)
        )
        self.decoder = MirroredDecoder()

    def style_levels(self, style: Tensor) -> list[Tensor]:
        """relu4_1 alone."""
        return [self.encoder(style)[-1]]

    def injectors(self) -> list[StyleInjector]:
        """The cascade."""
        return list(self.cascade)  # type: ignore[arg-type]

    def picture_layers(self) -> tuple[nn.Conv2d, nn.Conv2d]:
        """The encoder's normalisation and the decoder's last convolution."""
        return self.encoder.normalise, self.decoder.last

    def render(self, frame: Tensor, inject: Injection) -> Tensor:
        """Encode, run the cascade, decode."""
        features = self.encoder(frame)[-1]
        for _ in self.cascade:
            features = inject(features)
        picture: Tensor = self.decoder(features)
        return picture


class MirroredDecoder(nn.Module):
    """relu4_1 back to pixels: the encoder mirrored, nearest up-sampling in place of pooling."""

    def __init__(self) -> None:
        super().__init__()
        widths = (512, 256, "U", 256, 256, 256, 128, "U", 128, 64, "U", 64, 3)
        steps: list[nn.Module] = []
        width = 512
        for layer in widths[1:]:
            if isinstance(layer, str):
                steps.append(nn.Upsample(scale_factor=2, mode="nearest"))
                continue
            steps.append(nn.Conv2d(width, layer, 3, padding=1, padding_mode="reflect"))
            steps.append(nn.ReLU())
            width = layer
        self.steps = nn.Sequential(*steps[:-1])

    @property
    def last(self) -> nn.Conv2d:
        """The convolution that writes the picture."""
        layer = self.steps[-1]
        assert isinstance(layer, nn.Conv2d)
        return layer

    def forward(self, features: Tensor) -> Tensor:
        """`(N, 512, H, W)` to `(N, 3, 8 H, 8 W)`."""
        picture: Tensor = self.steps(features)
        return picture


def build_network(options: NetworkOptions) -> StyleNetwork:
    """A freshly initialised network; the frozen VGG weights are loaded apart."""
    return EdgeNetwork(options) if options.preset == "hsi-edge" else VggNetwork(options)
