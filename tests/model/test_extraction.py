from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hsi.model import InjectorOptions
from hsi.model.extraction import GlobalStyleExtraction, channel_moments
from hsi.model.options import STATISTICS


def skewed(shape: tuple[int, ...]) -> Tensor:
    """Values far from a normal distribution, so that each moment says something of its own."""
    return torch.empty(shape).exponential_() * 3 - 1


def test_moments_are_those_of_the_paper_with_bounded_skewness_and_kurtosis() -> None:
    features = skewed((2, 5, 9, 7))

    values = features.double().numpy().reshape(2, 5, 63)
    mean = values.mean(2, keepdims=True)
    variance = ((values - mean) ** 2).mean(2, keepdims=True)
    normal = (values - mean) / np.sqrt(variance + 1e-5)
    skewness, kurtosis = (normal**3).mean(2), (normal**4).mean(2)
    expected = np.stack(
        [
            mean[..., 0],
            variance[..., 0],
            np.sign(skewness) * np.log1p(np.abs(skewness)),
            np.log1p(kurtosis) - np.log1p(3),
        ],
        axis=1,
    )

    np.testing.assert_allclose(channel_moments(features).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_normal_distribution_has_neither_skewness_nor_kurtosis() -> None:
    moments = channel_moments(torch.randn(1, 3, 400, 400))

    assert moments[:, 2:].abs().max() < 0.03


def test_skewness_keeps_its_sign() -> None:
    features = skewed((1, 3, 16, 16))

    left, right = channel_moments(-features)[:, 2], channel_moments(features)[:, 2]

    assert (right > 0).all()
    torch.testing.assert_close(left, -right)


def test_moments_do_not_depend_on_where_a_value_stands() -> None:
    features = skewed((1, 4, 8, 8))
    shuffled = features.flatten(2)[:, :, torch.randperm(64)].view(1, 4, 8, 8)

    torch.testing.assert_close(channel_moments(shuffled), channel_moments(features))


def test_moments_of_half_precision_are_computed_in_float32() -> None:
    # 300 squared is beyond float16.
    features = torch.full((1, 1, 8, 8), 300.0)
    features[..., 0] = -300.0

    moments = channel_moments(features.half())

    assert moments.dtype == torch.float32
    torch.testing.assert_close(moments, channel_moments(features))


@pytest.mark.parametrize("number", range(4))
def test_the_style_is_the_weighted_sum_of_moments_plus_bias(number: int) -> None:
    extraction = GlobalStyleExtraction(6, 4, InjectorOptions())
    # Small enough for the linear range of what bounds the result.
    weight, bias = torch.zeros(4, 6), torch.arange(6.0) / 100
    weight[number] = 0.02
    for head, value in ((extraction.weight_head, weight), (extraction.bias_head, bias)):
        head[-1].load_state_dict({"weight": torch.zeros(value.numel(), 4), "bias": value.flatten()})
    key = skewed((2, 6, 8, 8))

    expected = 0.02 * channel_moments(key)[:, number] + bias
    torch.testing.assert_close(extraction(key), expected, rtol=0.02, atol=1e-3)


def test_the_style_is_bounded_whatever_the_features() -> None:
    extraction = GlobalStyleExtraction(6, 4, InjectorOptions())

    assert extraction(skewed((2, 6, 8, 8)) * 1e3).abs().max() <= 4


@pytest.mark.parametrize("name", STATISTICS)
def test_each_statistic_alone_gives_a_style_of_its_own(name: str) -> None:
    key = skewed((1, 6, 8, 8))
    styles = {}
    for chosen in [STATISTICS, *[(other,) for other in STATISTICS]]:
        torch.manual_seed(1)
        options = InjectorOptions(statistics=chosen)
        styles[chosen] = GlobalStyleExtraction(6, 4, options)(key)

    alone = styles.pop((name,))

    assert all(not torch.allclose(alone, other, atol=1e-3) for other in styles.values())


@pytest.mark.parametrize("head", ["joint", "split"])
def test_a_fresh_style_depends_on_all_moments_alike(head: Any) -> None:
    extraction = GlobalStyleExtraction(64, 32, InjectorOptions(dynamic_head=head))

    state = extraction.state_dict()
    start = state["weight_head.2.bias"]
    assert 0.2 < start[0] < 1
    assert torch.equal(start, start[:1].expand(4 * 64))
    assert torch.equal(state["bias_head.2.bias"], torch.zeros(64))


def test_a_nearly_dead_channel_does_not_explode() -> None:
    key = torch.zeros(1, 4, 128, 128)
    key[0, 0, 5, 5] = 20.0

    moments = channel_moments(key)

    assert moments.abs().max() < 12  # log1p of a kurtosis of 16,384
    assert GlobalStyleExtraction(4, 4, InjectorOptions())(key).abs().max() < 30


def test_a_constant_key_has_finite_gradients() -> None:
    key = torch.full((1, 4, 8, 8), 0.7, requires_grad=True)

    GlobalStyleExtraction(4, 4, InjectorOptions())(key).sum().backward()

    assert key.grad is not None
    assert torch.isfinite(key.grad).all()
