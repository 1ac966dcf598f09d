import numpy as np
import pytest
import torch
from torch import Tensor

from hsi.model import PRESETS, NetworkOptions, build_network
from hsi.model.moments import MomentMatcher

FLOOR = 1e-3


def matcher(levels: tuple[int, ...] = (6,)) -> MomentMatcher:
    return MomentMatcher(6, levels, FLOOR).eval().requires_grad_(False)


def own(module: MomentMatcher, features: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
    fed = torch.zeros(len(features), module.statistics_size)
    output, used = module(features, code, fed, torch.zeros(len(features), 1))
    return output, used


def test_features_take_the_mean_and_deviation_of_the_projected_style() -> None:
    module, style = matcher(), torch.randn(2, 6, 9, 7) * 3 + 1
    features = torch.randn(2, 6, 5, 8) * 2 - 4

    output, _ = own(module, features, module.encode_style([style]))

    wanted = module.values[0](style).numpy()
    made = output.numpy()
    np.testing.assert_allclose(made.mean((2, 3)), wanted.mean((2, 3)), atol=1e-4)
    np.testing.assert_allclose(made.std((2, 3)), wanted.std((2, 3)), rtol=1e-2)


def test_levels_of_a_style_are_averaged() -> None:
    module, levels = matcher((4, 5)), [torch.randn(1, 4, 9, 7), torch.randn(1, 5, 3, 4)]

    code = module.encode_style(levels)

    alone = []
    for layer, level in zip(module.values, levels, strict=True):
        values = layer(level)
        deviation = (values.var((2, 3), correction=0) + FLOOR).sqrt()
        alone.append(torch.cat([deviation, values.mean((2, 3))], 1))
    torch.testing.assert_close(code, (alone[0] + alone[1]) / 2)


def test_fed_statistics_take_the_place_of_the_frame_s() -> None:
    module, features = matcher(), torch.randn(1, 6, 8, 8)
    code = module.encode_style([torch.randn(1, 6, 9, 9)])
    whole, used = own(module, features, code)

    part, again = module(features[..., :4], code, used, torch.ones(1, 1))

    torch.testing.assert_close(part, whole[..., :4])
    torch.testing.assert_close(again, used)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_with_moment_matching_is_a_network_like_any_other(preset: str) -> None:
    options = NetworkOptions(preset=PRESETS[preset].preset, transfer="moments", modules=2)
    network = build_network(options).eval().requires_grad_(False)
    frames, styles = torch.rand(2, 3, 64, 96), torch.rand(2, 3, 48, 48)

    output, used = network(frames, network.encode_style(styles))

    assert output.shape == frames.shape
    assert used.shape == (2, network.statistics_size)
    assert {type(injector) for injector in network.injectors()} == {MomentMatcher}
