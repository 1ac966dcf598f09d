from dataclasses import replace
from typing import Any, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from hsi.model import InjectorOptions
from hsi.model.injector import StyleInjector

Array = npt.NDArray[np.float64]

WIDTH = 6
LEVELS = (4, 5)
PAPER = InjectorOptions()


def made(options: InjectorOptions = PAPER, levels: tuple[int, ...] = LEVELS) -> StyleInjector:
    torch.manual_seed(1)
    return StyleInjector(WIDTH, levels, 8, options).eval().requires_grad_(False)


def style_levels() -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(2, c, 9 - c, 7, generator=generator).relu() for c in LEVELS]


def content() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(2, WIDTH, 5, 7, generator=generator) * 2 + 0.5


def own(injector: StyleInjector, features: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
    """The module with the frame's own statistics."""
    count = len(features)
    fed = torch.zeros(count, injector.statistics_size)
    output, used = injector(features, code, fed, torch.zeros(count, 1))
    return output, used


def reference(injector: StyleInjector, features: Tensor, code: Tensor) -> tuple[Array, Array]:
    """The paper's account, one picture at a time, in float64 and without torch."""

    def weights(layer: Any) -> tuple[Array, Array]:
        return layer.weight.double().numpy()[:, :, 0, 0], layer.bias.double().numpy()

    (f, f_bias), (o, o_bias) = weights(injector.query), weights(injector.out)
    outputs, relations = [], []
    for picture, vector in zip(features.double().numpy(), code.double().numpy(), strict=True):
        k_s, v_s, pooled_k = np.split(vector, 3)
        f_c = picture.reshape(WIDTH, -1)
        mean, variance = f_c.mean(1, keepdims=True), f_c.var(1, keepdims=True)
        normed = (f_c - mean) / np.sqrt(variance + injector.options.deviation_floor)
        q = f @ normed + f_bias[:, None]
        q_c = (f @ f_c + f_bias[:, None]).mean(1)
        cosine = q_c @ pooled_k / (np.linalg.norm(q_c) * np.linalg.norm(pooled_k))
        lambda_g = (1 + cosine) / 2
        f_qk = lambda_g * (q_c * k_s)[:, None] + (1 - lambda_g) * (q * k_s[:, None])  # Eq. 8
        transferred = o @ (1 / (1 + np.exp(-f_qk)) * v_s[:, None]) + o_bias[:, None]
        outputs.append((f_c + transferred).reshape(picture.shape))
        relations.append(lambda_g)
    return np.stack(outputs), np.array(relations)


def test_the_module_computes_equation_8_as_the_paper_writes_it() -> None:
    injector, features = made(), content()
    code = injector.encode_style(style_levels())

    output, used = own(injector, features, code)

    expected, relations = reference(injector, features, code)
    np.testing.assert_allclose(output.numpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(used[:, -1].numpy(), relations, rtol=1e-5)


def test_returned_statistics_are_mean_variance_query_and_relation() -> None:
    injector, features = made(), content()
    code = injector.encode_style(style_levels())

    _, used = own(injector, features, code)

    mean, variance, query, relation = used.split([WIDTH, WIDTH, WIDTH, 1], 1)
    torch.testing.assert_close(mean, features.mean((2, 3)))
    torch.testing.assert_close(variance, features.var((2, 3), correction=0))
    torch.testing.assert_close(query, injector.query(features).mean((2, 3)))
    assert used.shape == (2, injector.statistics_size)
    assert relation.shape == (2, 1)


def test_fed_in_own_statistics_change_nothing() -> None:
    injector, features = made(), content()
    code = injector.encode_style(style_levels())
    output, used = own(injector, features, code)

    again, returned = injector(features, code, used, torch.ones(2, 1))

    torch.testing.assert_close(again, output)
    torch.testing.assert_close(returned, used)


def test_fed_in_statistics_replace_those_of_the_frame() -> None:
    injector, features = made(), content()
    code = injector.encode_style(style_levels())
    _, other = own(injector, content().flip(0) * 3, code)

    whole, used = injector(features, code, other, torch.ones(2, 1))
    part, _ = injector(features[..., :3], code, other, torch.ones(2, 1))

    torch.testing.assert_close(used, other)
    # A tile with the whole frame's statistics is a piece of the whole frame's result.
    torch.testing.assert_close(part, whole[..., :3])


def test_weight_0_ignores_fed_in_statistics() -> None:
    injector, features = made(), content()
    code = injector.encode_style(style_levels())
    output, used = own(injector, features, code)
    wild = torch.full((2, injector.statistics_size), 1e4)

    again, returned = injector(features, code, wild, torch.zeros(2, 1))

    assert torch.equal(again, output)
    assert torch.equal(returned, used)


def test_the_weight_is_the_share_of_fed_in_moments() -> None:
    injector, features = made(), content()
    code = injector.encode_style(style_levels())
    _, used = own(injector, features, code)
    fed = torch.rand(2, injector.statistics_size)

    _, mixed = injector(features, code, fed, torch.full((2, 1), 0.25))

    moments = slice(0, 2 * WIDTH)
    torch.testing.assert_close(mixed[:, moments], 0.75 * used[:, moments] + 0.25 * fed[:, moments])


def test_the_output_is_linear_in_the_blended_values_of_two_codes() -> None:
    injector, features = made(), content()
    code = injector.encode_style(style_levels())
    # Two styles that differ in V_s alone: the gate is the same for both.
    first, second = code, code.clone()
    second[:, WIDTH : 2 * WIDTH] = torch.randn(2, WIDTH)

    blended, _ = own(injector, features, 0.3 * first + 0.7 * second)

    made_first, _ = own(injector, features, first)
    made_second, _ = own(injector, features, second)
    torch.testing.assert_close(blended, 0.3 * made_first + 0.7 * made_second)


def test_equation_8_is_linear_in_the_blended_keys_of_two_codes() -> None:
    # With V_s = 1 and `out` the identity, the gate can be read off the output.
    injector, features = made(replace(PAPER, activation="tanh")), content() * 0.1
    identity = torch.eye(WIDTH)[:, :, None, None]
    injector.out.load_state_dict({"weight": identity, "bias": torch.zeros(WIDTH)})
    code = injector.encode_style(style_levels())
    code[:, WIDTH : 2 * WIDTH] = 1.0
    first, second = code, code.clone()
    second[:, :WIDTH] = torch.randn(2, WIDTH)

    def attention(of: Tensor) -> Tensor:
        return torch.atanh((own(injector, features, of)[0] - features).double())

    blended = attention(0.3 * first + 0.7 * second)

    expected = 0.3 * attention(first) + 0.7 * attention(second)
    torch.testing.assert_close(blended, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("relation_map", ["half", "clamp"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_relation_lies_between_0_and_1(relation_map: Any, sign: float) -> None:
    injector, features = made(replace(PAPER, relation_map=relation_map)), content()
    # The most and the least alike that content and style can be.
    code = torch.randn(2, injector.code_size)
    code[:, 2 * WIDTH :] = sign * injector.query(features).mean((2, 3))

    _, used = own(injector, features, code)

    expected = 1.0 if sign > 0 else 0.0
    torch.testing.assert_close(used[:, -1], torch.full((2,), expected), atol=1e-5, rtol=0)


def test_the_query_has_no_content_in_its_mean_behind_an_instance_norm() -> None:
    # Why Q_c is taken before the norm: behind it, every frame would have the same Q_c.
    injector, features = made(), content()
    code = injector.encode_style(style_levels())

    _, used = own(injector, features, code)

    assert not torch.allclose(used[0, 2 * WIDTH : 3 * WIDTH], used[1, 2 * WIDTH : 3 * WIDTH])


def alternatives() -> list[tuple[str, Any]]:
    hints = get_type_hints(InjectorOptions)
    named = [
        (name, value)
        for name, hint in hints.items()
        for value in get_args(hint)
        if isinstance(value, str) and value != getattr(PAPER, name)
    ]
    return [*named, ("statistics", ("mean", "variance")), ("deviation_floor", 0.5)]


@pytest.mark.parametrize(("name", "value"), alternatives())
def test_every_option_runs_and_changes_the_output(name: str, value: Any) -> None:
    outputs = []
    for options in (PAPER, replace(PAPER, **{name: value})):
        injector = made(options)
        code = injector.encode_style(style_levels())
        outputs.append(own(injector, content(), code)[0])

    assert outputs[1].shape == content().shape
    assert torch.isfinite(outputs[1]).all()
    assert not torch.allclose(outputs[0], outputs[1], atol=1e-4)


def test_a_module_with_one_style_level_needs_no_other() -> None:
    injector = made(levels=(4,))

    code = injector.encode_style(style_levels()[:1])

    assert code.shape == (2, injector.code_size)


def test_every_style_level_counts() -> None:
    injector = made()
    levels = style_levels()
    code = injector.encode_style(levels)

    for number in range(len(levels)):
        changed = [level * (1.5 if i == number else 1) for i, level in enumerate(levels)]
        assert not torch.allclose(injector.encode_style(changed), code)


@pytest.mark.parametrize("value", [0.0, 0.3, 40.0])
@pytest.mark.parametrize("norm", ["instance", "none", "layer"])
def test_constant_frames_give_finite_outputs_and_gradients(value: float, norm: Any) -> None:
    injector = made(replace(PAPER, query_norm=norm, residual="instance"))
    code = injector.encode_style(style_levels())
    features = torch.full((2, WIDTH, 4, 4), value, requires_grad=True)

    output, used = own(injector, features, code)
    output.sum().backward()

    assert torch.isfinite(output).all()
    assert torch.isfinite(used).all()
    assert (used[:, WIDTH : 2 * WIDTH] >= 0).all()
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()
