"""``hsi-vgg``: the paper's network."""

from typing import cast

from torch import Tensor, nn

from hsi.model.injection import Injection, Injector
from hsi.model.injector import StyleInjector
from hsi.model.network import StyleNetwork, build_injector
from hsi.model.options import NetworkOptions
from hsi.model.vgg import vgg19_encoder


class VggNetwork(StyleNetwork):
    """``hsi-vgg``, the paper's network: frozen VGG-19, cascaded modules, mirrored decoder."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__(options)
        self.encoder = vgg19_encoder().requires_grad_(False)
        width = self.encoder.widths[-1]
        self.cascade = nn.ModuleList(
            build_injector(width, (width,), options) for _ in range(options.modules)
        )
        for module in self.cascade:
            _keep_channels(module)
        self.decoder = MirroredDecoder()

    def style_levels(self, style: Tensor) -> list[Tensor]:
        """relu4_1 alone."""
        return [self.encoder(style)[-1]]

    def injectors(self) -> list[Injector]:
        """The cascade."""
        return list(self.cascade)  # type: ignore[arg-type]

    def picture_weights(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Those of the encoder's normalisation and of the decoder's last convolution."""
        return self.encoder.normalise.weight, self.decoder.last.weight, self.decoder.last.bias

    def render(self, frame: Tensor, inject: Injection) -> Tensor:
        """Encode, run the cascade, decode."""
        features = self._injected(self.encoder(frame)[-1], inject)
        picture: Tensor = self.decoder(features)
        return picture

    def transfer(self, features: Tensor, code: Tensor) -> Tensor:
        """The cascade alone, by the features' own statistics: `(N, 512, H, W)` to the same."""
        fed = features.new_zeros(len(features), self.statistics_size)
        inject = Injection(self.injectors(), code, fed, features.new_zeros(len(features), 1))
        return self._injected(features, inject)

    def _injected(self, features: Tensor, inject: Injection) -> Tensor:
        for _ in self.cascade:
            features = inject(features)
        return features


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
            steps += [_convolution(width, layer), nn.ReLU()]
            width = layer
        self.steps = nn.Sequential(*steps[:-1])

    @property
    def first(self) -> nn.Conv2d:
        """The convolution that reads features."""
        layer = self.steps[0]
        assert isinstance(layer, nn.Conv2d)
        return layer

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


def _convolution(width_in: int, width_out: int) -> nn.Conv2d:
    layer = nn.Conv2d(width_in, width_out, 3, padding=1, padding_mode="reflect")
    # With torch's own first weights a picture fades to the biases within nine layers.
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


def _keep_channels(module: nn.Module) -> None:
    """Let a module start with each channel styled by its own: both come from one encoder."""
    if isinstance(module, StyleInjector):
        for layer in (module.query, module.out, *module.keys, *module.values):
            nn.init.dirac_(cast("nn.Conv2d", layer).weight)
