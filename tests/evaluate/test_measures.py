from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from hsi.evaluate.measures import content_loss, moments, ssim, style_loss, vgg_distance
from hsi.runtime.frame import Image
from hsi.train import losses

Invented = Callable[..., Image]


def levels(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(width, 6, 5, generator=generator) * seed for width in (4, 8, 16, 32)]


def test_the_content_loss_is_the_mean_squared_error_of_the_last_level() -> None:
    made, content = levels(1), levels(2)

    expected = float(((made[3] - content[3]) ** 2).mean())
    assert content_loss(made, content) == pytest.approx(expected)


def test_the_style_loss_sums_errors_of_means_and_deviations_over_levels() -> None:
    made, style = levels(1), levels(2)
    expected = 0.0
    for a, b in zip(made, style, strict=True):
        x, y = a.numpy().reshape(len(a), -1), b.numpy().reshape(len(b), -1)
        expected += float(((x.mean(1) - y.mean(1)) ** 2).mean())
        expected += float(((x.std(1) - y.std(1)) ** 2).mean())

    assert style_loss(moments(made), moments(style)) == pytest.approx(expected, rel=1e-5)


def test_the_style_loss_is_the_squared_one_of_training() -> None:
    made, style = levels(1), levels(2)
    first, second = ([level[None] for level in side] for side in (made, style))

    expected = float(losses.style_loss(first, second, norm="mse"))
    assert style_loss(moments(made), moments(style)) == pytest.approx(expected, rel=1e-3)


def test_the_vgg_distance_is_that_of_unit_vectors() -> None:
    made, content = levels(1), levels(2)
    expected = sum(
        float((2 - 2 * torch.nn.functional.cosine_similarity(a, b, dim=0)).mean())
        for a, b in zip(made, content, strict=True)
    )

    assert vgg_distance(made, content) == pytest.approx(expected, rel=1e-4)


def test_the_vgg_distance_sees_directions_and_not_lengths() -> None:
    made = levels(1)

    assert vgg_distance(made, [3 * level for level in made]) == pytest.approx(0, abs=1e-6)
    assert vgg_distance([torch.zeros_like(level) for level in made], made) == pytest.approx(4)


def test_nothing_is_lost_between_a_picture_and_itself(invented: Invented) -> None:
    made = levels(1)

    assert content_loss(made, made) == vgg_distance(made, made) == 0
    assert style_loss(moments(made), moments(made)) == 0
    assert ssim(invented(1), invented(1)) == pytest.approx(1)


def test_the_ssim_of_flat_pictures_is_its_luminance_term() -> None:
    a, b = (np.full((32, 32, 3), value, np.uint8) for value in (100, 150))

    stabiliser = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + stabiliser) / (100**2 + 150**2 + stabiliser)
    assert ssim(a, b) == pytest.approx(expected)


def test_the_ssim_sees_structure_and_not_hue(invented: Invented) -> None:
    picture = invented(1)
    grey = np.repeat(picture.mean(2, keepdims=True), 3, 2).astype(np.uint8)

    assert ssim(grey, picture) > 0.8
    assert ssim(255 - picture, picture) < 0.2
