"""``hsi-vgg``: the paper's network."""

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from hsi.model.channel_palette import ChannelMatcher
from hsi.model.convolution import reflecting_convolution
from hsi.model.injection import Injection, Injector
from hsi.model.injector import StyleInjector
from hsi.model.network import StyleNetwork, build_injector, summed_code
from hsi.model.options import NetworkOptions
from hsi.model.refiner import RefiningDecoder
from hsi.model.vgg import vgg19_encoder
from hsi.runtime.errors import OptionError

RELU3_1 = 9  # steps of the decoder until its features stand for relu3_1
REFINED = 2  # relu2_1 is what of a picture is looked at again
REFINING_GAIN = 3.0  # by which a deviation there is enlarged at most


class VggNetwork(StyleNetwork):
    """``hsi-vgg``, the paper's network: frozen VGG-19, cascaded modules, mirrored decoder.

    With ``skip``, which the paper does not have, relu3_1 of the frame goes through a module of its
    own and is added where the decoder is back at its size: contours need not come from features of
    one in eight pixels, and a face stays a face.

    With ``refinements``, which the paper does not have either, the finished picture is encoded
    again to relu2_1, whose channels take the painting's mean and deviation, and what that changes
    is decoded and added: what a decoder gets wrong in fine strokes and grain is mended.
    """

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__(options)
        self.encoder = vgg19_encoder().requires_grad_(False)
        width = self.encoder.widths[-1]
        self.cascade = nn.ModuleList(
            _kept_channels(build_injector(width, (width,), options)) for _ in range(options.modules)
        )
        self.decoder = MirroredDecoder()
        self.skip: Injector | None = None
        if options.skip:
            self.add_skip()
        self.matchers, self.refiners = nn.ModuleList(), nn.ModuleList()
        self.add_refinements(options.refinements)

    def add_refinements(self, count: int) -> None:
        """Let the picture be encoded again, and mended, so many times; whose decoders are fresh."""
        self.options = replace(self.options, refinements=len(self.matchers) + count)
        for _ in range(count):
            width = self.encoder.widths[REFINED - 1]
            self.matchers.append(ChannelMatcher(width, most_gain=REFINING_GAIN, step=1))
            self.refiners.append(RefiningDecoder())

    def add_skip(self) -> None:
        """Let relu3_1 reach the decoder through a module of its own, with nothing at first.

        Raises:
            OptionError: A layer corrects codes as a whole, which the module would make longer.
        """
        if self.code_mixer is not None:
            raise OptionError("skip must come before code_hidden, got a network with both")
        self.options = replace(self.options, skip=True)
        width = self.encoder.widths[-2]
        self.skip = _kept_channels(build_injector(width, (width,), self.options))
        self.fuse = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.fuse.weight)
        nn.init.zeros_(cast("Tensor", self.fuse.bias))

    def style_levels(self, style: Tensor) -> list[Tensor]:
        """relu3_1 and relu4_1."""
        levels: list[Tensor] = self.encoder(style)
        return levels[-2:]

    def feature_injectors(self) -> list[Injector]:
        """The cascade, then the skip's module."""
        return self.cascaded if self.skip is None else [*self.cascaded, self.skip]

    @property
    def cascaded(self) -> list[Injector]:
        """The cascade's modules."""
        return cast("list[Injector]", list(self.cascade))

    def picture_weights(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Those of the encoder's normalisation and of the decoder's last convolution."""
        return self.encoder.normalise.weight, self.decoder.last.weight, self.decoder.last.bias

    def render(self, frame: Tensor, inject: Injection) -> Tensor:
        """Encode, run the cascade, decode."""
        levels = self.encoder(frame)
        features = levels[-1]
        for _ in self.cascade:
            features = inject(features)
        skipped = None if self.skip is None else self.fuse(inject(levels[-2]))
        picture: Tensor = self.decoder(features, skipped)
        return picture

    def late_injectors(self) -> list[Injector]:
        """Those of the refinements, which learn nothing."""
        return cast("list[Injector]", list(self.matchers))

    def refined(self, picture: Tensor, inject: Injection) -> Tensor:
        """Let relu2_1 of the picture take the painting's moments, as often as told."""
        height, width = picture.shape[2:]
        for refiner in self.refiners:
            seen = self.encoder(picture, REFINED)[-1]
            picture = picture + refiner(seen, inject(seen))[:, :, :height, :width]
        return picture

    def _late_codes(self, style: Tensor) -> list[Tensor]:
        if not self.matchers:
            return []
        seen = self.encoder(style, REFINED)[-1:]
        return [matcher.encode_style(seen) for matcher in self.late_injectors()]

    def _summed_code(self, levels: list[Tensor]) -> Tensor:
        middle, deep = levels
        code = summed_code(self.cascaded, [deep])
        return code if self.skip is None else torch.cat([code, self.skip.encode_style([middle])], 1)


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
            steps += [reflecting_convolution(width, layer), nn.ReLU()]
            width = layer
        self.steps = nn.Sequential(*steps[:-1])

    @property
    def first(self) -> nn.Conv2d:
        """The convolution that reads features."""
        return cast("nn.Conv2d", self.steps[0])

    @property
    def meeting(self) -> nn.Conv2d:
        """The convolution to whose activations a skip is added: they stand for relu3_1."""
        return cast("nn.Conv2d", self.steps[RELU3_1 - 2])

    @property
    def last(self) -> nn.Conv2d:
        """The convolution that writes the picture."""
        return cast("nn.Conv2d", self.steps[-1])

    def forward(self, features: Tensor, skipped: Tensor | None = None) -> Tensor:
        """`(N, 512, H, W)`, and what is added at `(N, 256, 2 H, 2 W)`, to `(N, 3, 8 H, 8 W)`."""
        features = self.steps[:RELU3_1](features)
        picture: Tensor = self.steps[RELU3_1:](features if skipped is None else features + skipped)
        return picture


def _kept_channels(module: Injector) -> Injector:
    """A module that starts with each channel styled by its own: both come from one encoder."""
    if isinstance(module, StyleInjector):
        for layer in (module.query, module.out, *module.keys, *module.values):
            nn.init.dirac_(cast("nn.Conv2d", layer).weight)
    return module
