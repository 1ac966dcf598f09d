"""The checkpoints in ``weights/``: that they load, fit their promised sizes, and carry styles."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.model.checkpoint import load_checkpoint

WEIGHTS = Path(__file__).parents[2] / "weights"
BLUE, GREEN, RED = torch.eye(3)


def painting(colour: Tensor) -> Tensor:
    """Patches of one colour, from dark to light, `(1, 3, 128, 128)` BGR."""
    light = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    patches = 0.9 * light * colour.view(1, 3, 1, 1) + 0.1 * light
    return F.interpolate(patches, scale_factor=8.0)


@pytest.mark.parametrize(("preset", "megabytes"), [("hsi-edge", 8), ("hsi-vgg", 40)])
def test_weights_are_no_larger_than_promised(preset: str, megabytes: int) -> None:
    assert (WEIGHTS / f"{preset}.pt").stat().st_size < megabytes * 1e6


@torch.no_grad()
@pytest.mark.parametrize("preset", ["hsi-edge", "hsi-vgg"])
def test_pictures_take_the_colour_of_their_style(preset: str) -> None:
    network = load_checkpoint(WEIGHTS / f"{preset}.pt").network
    assert network.options.preset == preset
    photograph = painting(torch.ones(3))  # grey

    for number, colour in enumerate((BLUE, GREEN, RED)):
        made, _ = network(photograph, network.encode_style(painting(colour)))

        means = made.mean((0, 2, 3))
        assert int(means.argmax()) == number, means
        assert made.std() > 0.05


@torch.no_grad()
@pytest.mark.parametrize("preset", ["hsi-edge", "hsi-vgg"])
def test_what_was_light_stays_light(preset: str) -> None:
    network = load_checkpoint(WEIGHTS / f"{preset}.pt").network
    photograph = painting(torch.ones(3))

    made, _ = network(photograph, network.encode_style(painting(GREEN).flip(2)))

    coarse = [F.avg_pool2d(one.mean(1), 16).flatten() for one in (photograph, made)]
    alike = torch.corrcoef(torch.stack(coarse))[0, 1]
    assert alike > 0.8, alike
