"""Networks small enough for tests, with weights that do something."""

import pytest
import torch
from torch import nn

from hsi.model import (
    PRESETS,
    EdgeNetwork,
    InjectorOptions,
    NetworkOptions,
    StyleNetwork,
    build_network,
)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def tiny_options() -> NetworkOptions:
    return NetworkOptions(
        injector=InjectorOptions(residual="instance"),
        modules=2,
        stem_width=8,
        body_width=8,
        style_hidden=8,
    )


@pytest.fixture
def tiny(tiny_options: NetworkOptions) -> StyleNetwork:
    """An hsi-edge of a few channels with random weights, in evaluation mode."""
    network = build_network(tiny_options).eval()
    assert isinstance(network, EdgeNetwork)
    return _lively(network)


@pytest.fixture(params=sorted(PRESETS))
def network(request: pytest.FixtureRequest) -> StyleNetwork:
    """Either preset at its own size."""
    return _lively(build_network(PRESETS[request.param]).eval())


def _lively(network: StyleNetwork) -> StyleNetwork:
    # torch's own first weights shrink features layer by layer: sixteen layers on, nothing is left
    # of the picture, and every test of what depends on it would pass.
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and ("encoder" in name or "decoder" in name):
            nn.init.kaiming_normal_(layer.weight)
    return network.requires_grad_(False)
