from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from hsi.model import PRESETS, StyleNetwork, VggNetwork, build_network
from hsi.runtime.errors import OptionError
from hsi.train.first_weights import (
    FIRST_WEIGHTS,
    SKIPPED,
    fit_cascade,
    fit_skip,
    make_first_refinements,
    make_first_skip,
    make_first_weights,
    matched,
    transferred,
)
from hsi.train.options import FirstWeights, TrainOptions
from hsi.train.trainer import FIRST_PICTURES, Trainer

Options = Callable[..., TrainOptions]


def features(seed: int, width: int = 512) -> Tensor:
    """Such as relu4_1 leaves: no less than 0, every channel with its own mean and deviation."""
    drawn = torch.Generator().manual_seed(seed)
    scale = 0.2 + 2 * torch.rand(1, width, 1, 1, generator=drawn)
    return (scale * torch.randn(1, width, 8, 8, generator=drawn) + scale).relu()


@pytest.fixture
def network() -> VggNetwork:
    made = build_network(PRESETS["hsi-vgg"])
    assert isinstance(made, VggNetwork)
    return made


@pytest.fixture
def skipping(network: VggNetwork) -> VggNetwork:
    network.add_skip()
    return network


def test_matched_features_have_the_moments_of_the_style() -> None:
    made = torch.std_mean(matched(features(0), features(1)), (2, 3))

    for value, wanted in zip(made, torch.std_mean(features(1), (2, 3)), strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("narrow", [False, True])
def test_the_cascade_comes_near_to_adain(network: VggNetwork, narrow: bool) -> None:
    content, style = features(0), features(1)
    wanted = matched(content, style)
    scaled = (wanted - wanted.mean((0, 2, 3), keepdim=True)) / wanted.std((0, 2, 3), keepdim=True)

    distances = []
    for steps in (2, 20):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
            fit_cascade(network, content, style, steps=steps)
        with torch.no_grad():
            made = transferred(network.injectors(), content, style)
        distances.append(float((made - scaled).square().mean()))

    assert distances[1] < 0.2 * distances[0]


@torch.no_grad()
def test_the_decoder_takes_over_what_the_cascade_leaves_out(network: VggNetwork) -> None:
    wanted = matched(features(0), features(1))
    before = network.decoder(wanted)
    deviation, mean = torch.std_mean(wanted, (0, 2, 3), correction=0, keepdim=True)

    with torch.enable_grad():
        fit_cascade(network, features(0), features(1), steps=2)

    after = network.decoder((wanted - mean) / deviation.clamp_min(1e-2))
    torch.testing.assert_close(after, before, rtol=1e-2, atol=1e-2)


def test_the_module_of_a_skip_comes_near_to_adain(skipping: VggNetwork) -> None:
    content, style = features(0, 256), features(1, 256)
    wanted = SKIPPED * matched(content, style)

    distances = []
    for steps in (2, 20):
        fit_skip(skipping, content, style, steps=steps)
        with torch.no_grad():
            made = skipping.fuse(transferred(skipping.injectors()[-1:], content, style))
        distances.append(float((made - wanted).square().mean()))

    assert distances[1] < 0.2 * distances[0]


@torch.no_grad()
def test_a_skip_takes_its_share_of_what_the_decoder_has(skipping: VggNetwork) -> None:
    deep = features(0)
    before = skipping.decoder.steps[:9](deep)

    with torch.enable_grad():
        fit_skip(skipping, features(0, 256), features(1, 256), steps=2)

    torch.testing.assert_close(skipping.decoder.steps[:9](deep), (1 - SKIPPED) * before)


def test_a_network_without_a_skip_gets_no_weights_for_one(network: VggNetwork) -> None:
    with pytest.raises(OptionError, match="must go with a skip, got a network without"):
        make_first_skip(network, [])


def test_networks_without_a_cascade_are_refused(
    make_options: Options, tiny: Callable[[], StyleNetwork]
) -> None:
    with pytest.raises(OptionError, match=r"first_weights must go with hsi-vgg .* got hsi-edge"):
        Trainer(make_options(first_weights="whole"), tiny())

    moments = build_network(replace(PRESETS["hsi-vgg"], transfer="moments"))
    with pytest.raises(OptionError, match="got hsi-vgg with transfer 'moments'"):
        make_first_weights(moments, [])


def test_a_network_without_refinements_gets_no_weights_for_any(network: VggNetwork) -> None:
    with pytest.raises(OptionError, match="must go with refinements, got a network without"):
        make_first_refinements(network, [])


@pytest.mark.parametrize("first_weights", ["whole", "skip", "refinements"])
def test_a_run_makes_first_weights_once(
    make_options: Options,
    network: VggNetwork,
    monkeypatch: pytest.MonkeyPatch,
    first_weights: FirstWeights,
) -> None:
    given: list[Sequence[tuple[Tensor, Tensor]]] = []
    monkeypatch.setattr("hsi.train.trainer.contact_sheet", lambda *_: np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setitem(FIRST_WEIGHTS, first_weights, lambda _, batches: given.append(batches))
    for steps in (1, 2):
        options = make_options(first_weights=first_weights, steps=steps, batch=1, save_every=1)
        Trainer(options, network).run()

    (batches,) = given
    assert sum(len(pictures) for pair in batches for pictures in pair) >= FIRST_PICTURES
