from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from hsi.runtime.errors import SourceError
from hsi.train.discriminator import MultiScaleDiscriminator
from hsi.train.losses import (
    LossNetwork,
    content_loss,
    grey,
    palette_loss,
    require_finite,
    structure_loss,
    style_loss,
    teacher_loss,
)
from hsi.train.options import StyleNorm

WIDTHS = [64, 128, 256, 512]


def levels() -> list[Tensor]:
    return [torch.randn(2, 4, 8, 8), torch.randn(2, 6, 4, 4)]


@pytest.mark.parametrize("norm", get_args(StyleNorm))
def test_style_loss_compares_channel_means_and_deviations(norm: StyleNorm) -> None:
    made, style = levels(), levels()

    expected = 0.0
    for a, b in zip(made, style, strict=True):
        x, y = a.double().numpy(), b.double().numpy()
        for of_x, of_y in (
            (x.mean((2, 3)), y.mean((2, 3))),
            (x.std((2, 3)), y.std((2, 3))),
        ):
            squared = ((of_x - of_y) ** 2).mean(1)
            # A norm has no gradient at 0, hence the small constant under the root.
            expected += (squared if norm == "mse" else np.sqrt(squared + 1e-4)).mean()

    assert style_loss(made, style, norm).item() == pytest.approx(expected, rel=1e-3)


def test_teacher_loss_counts_levels_alike_in_parts_of_their_variance() -> None:
    taught = [5 + 0.1 * torch.randn(2, 4, 32, 32), -3 + 20 * torch.randn(2, 6, 16, 16)]
    means = [level.mean((2, 3), keepdim=True).expand_as(level) for level in taught]

    assert teacher_loss(taught, taught) == 0
    assert teacher_loss(means, taught).item() == pytest.approx(1, rel=0.01)
    assert teacher_loss([taught[0], means[1]], taught).item() == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("norm", get_args(StyleNorm))
def test_style_loss_does_not_see_where_things_stand(norm: StyleNorm) -> None:
    made = levels()
    turned = [level.flip(3).transpose(2, 3) for level in made]

    torch.testing.assert_close(style_loss(made, turned, norm), style_loss(made, made, norm))
    assert style_loss(made, turned, norm) < 0.05


def test_structure_loss_sees_where_and_neither_brightness_nor_contrast() -> None:
    content = torch.randn(2, 4, 16, 16)

    assert structure_loss(content * 3 + 5, content) < 1e-3
    assert structure_loss(content.roll(3, 2), content) == pytest.approx(2, abs=0.3)


def test_structure_loss_of_constant_features_is_a_number() -> None:
    flat = torch.ones(1, 3, 4, 4, requires_grad=True)

    structure_loss(flat, torch.randn(1, 3, 4, 4)).backward()

    assert flat.grad is not None
    assert torch.isfinite(flat.grad).all()


def test_style_loss_takes_styles_of_another_size() -> None:
    assert style_loss(levels(), [torch.randn(2, 4, 5, 9), torch.randn(2, 6, 3, 5)]) > 0


@pytest.mark.parametrize("norm", get_args(StyleNorm))
def test_style_loss_of_constant_features_has_finite_gradients(norm: StyleNorm) -> None:
    made = torch.ones(1, 3, 4, 4, requires_grad=True)

    style_loss([made], [torch.ones(1, 3, 4, 4)], norm).backward()

    assert made.grad is not None
    assert torch.isfinite(made.grad).all()


def test_palette_loss_compares_colours_wherever_they_stand() -> None:
    picture = torch.rand(1, 3, 8, 8).repeat_interleave(4, 2).repeat_interleave(4, 3)
    turned = picture.flip(2).transpose(2, 3)

    assert palette_loss(turned, picture) < 1e-5
    assert palette_loss(picture.roll(1, 1), picture) > 0.2


def test_palette_loss_takes_a_painting_of_several_times_the_size() -> None:
    picture = torch.rand(1, 3, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    enlarged = picture.repeat_interleave(2, 2).repeat_interleave(2, 3)

    assert palette_loss(picture, enlarged) < 1e-5
    assert palette_loss(picture.roll(1, 1), enlarged) > 0.2


def test_palette_loss_sees_a_red_hat_where_means_and_deviations_agree() -> None:
    # Two colours, as often each, and two others of the same mean and deviation in every channel.
    one, other = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    one[:, :, :4] = 1.0
    other[:, 0, :4] = other[:, 1:, 4:] = 1.0

    assert palette_loss(one, other) > 0.2


def test_palette_loss_of_one_colour_is_the_mean_length_of_its_projections() -> None:
    grey_step = torch.full((1, 3, 8, 8), 0.25)

    # Lightness alone moves, by 1; of the 13 directions, unit vectors, 9 have a part along it.
    along = [1, *[2**-0.5] * 4, *[3**-0.5] * 4]
    assert palette_loss(grey_step + 0.25, grey_step).item() == pytest.approx(sum(along) / 13)


def test_content_loss_is_the_mean_squared_error() -> None:
    made, content = torch.zeros(1, 2, 3, 3), torch.full((1, 2, 3, 3), 3.0)

    assert content_loss(made, content).item() == 9
    assert content_loss(content, content).item() == 0


def test_grey_is_opencv_s() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None].float()

    made = grey(planes)

    expected = torch.from_numpy(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)).float()
    assert made.shape == planes.shape
    torch.testing.assert_close(made[0, 1], expected, atol=0.51, rtol=0)
    assert torch.equal(made[:, 0], made[:, 2])


def test_a_compressed_network_is_known_by_its_maps(loss_network: Path) -> None:
    network = LossNetwork(loss_network)

    features = network(torch.rand(2, 3, 64, 64))

    assert len(network.maps) == 4
    assert [f.shape[1] for f in features] == WIDTHS


def test_a_loss_network_does_not_train_but_lets_gradients_through(loss_network: Path) -> None:
    network, picture = LossNetwork(loss_network), torch.rand(1, 3, 64, 64, requires_grad=True)

    network(picture)[-1].sum().backward()

    assert not any(p.requires_grad for p in network.parameters())
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0


def test_both_published_files_are_told_apart_and_agree(
    vgg_files: tuple[Path, Path], photograph: Tensor
) -> None:
    whole, compressed = (LossNetwork(path) for path in vgg_files)
    other = photograph.roll(50, 3) * 0.5

    assert (len(whole.maps), len(compressed.maps)) == (0, 4)
    for pictures in (photograph, other):
        exact, close = whole(pictures), compressed(pictures)
        assert [f.shape for f in exact] == [f.shape for f in close]
        both = torch.stack([exact[-1].flatten(), close[-1].flatten()])
        assert torch.corrcoef(both)[0, 1] > 0.7


def without(loss_network: Path, path: Path, name: str) -> Path:
    state = torch.load(loss_network, weights_only=True)
    del state[name]
    torch.save(state, path)
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("conv41_aux.weight", "cut.pth: expected 4 maps to VGG-19's widths, found 3"),
        ("conv41_aux.bias", "cut.pth: expected 1x1 maps with biases"),
        ("conv44.weight", "cut.pth: expected VGG-19 compressed 16 times with 14 .*, found 13"),
    ],
)
def test_a_file_with_a_hole_is_refused(
    loss_network: Path, tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        LossNetwork(without(loss_network, tmp_path / "cut.pth", name))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run(value: float) -> None:
    with pytest.raises(
        SourceError, match=r"step 9: expected a finite loss, found (nan|inf): lower"
    ):
        require_finite(torch.tensor(value), 9)


def test_a_finite_loss_goes_on() -> None:
    require_finite(torch.tensor(1e30), 9)


def test_the_discriminator_judges_at_three_scales() -> None:
    scores = MultiScaleDiscriminator(width=4)(torch.rand(2, 3, 64, 64))

    assert [tuple(s.shape) for s in scores] == [(2, 1, 8, 8), (2, 1, 4, 4), (2, 1, 2, 2)]


def test_the_judgement_is_the_mean_squared_distance_from_its_target() -> None:
    discriminator, pictures = MultiScaleDiscriminator(width=4), torch.rand(2, 3, 64, 64)
    scores = discriminator(pictures)

    for target in (0.0, 1.0):
        expected = sum((score - target).square().mean() for score in scores) / 3
        torch.testing.assert_close(discriminator.judge(pictures, target), expected)
