from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from hsi.model import PRESETS, VggNetwork
from hsi.model.injection import Injection, frame_moments
from hsi.train.first_weights import fresh_network
from hsi.train.inversion import solve_decoder, solve_refiners
from hsi.train.pictures import planes
from tests.train.conftest import picture


@torch.no_grad()
def test_a_solved_decoder_gives_pictures_back(vgg_files: tuple[Path, Path]) -> None:
    network = fresh_network(PRESETS["hsi-vgg"], vgg_files[0], seed=0)
    assert isinstance(network, VggNetwork)
    batches = [pictures(4 * number) for number in range(3)]

    solve_decoder(network, batches)

    assert unexplained(network, batches[0]) < 0.2
    assert unexplained(network, pictures(50)) < 0.8  # solved from 12 pictures of noise alone


@torch.no_grad()
def test_a_solved_refinement_brings_a_picture_nearer_to_a_painting_s_fine_features(
    vgg_files: tuple[Path, Path],
) -> None:
    options = replace(PRESETS["hsi-vgg"], refinements=2)
    network = fresh_network(options, vgg_files[0], seed=0)
    assert isinstance(network, VggNetwork)
    solve_refiners(network, [pictures(4 * number) for number in range(3)])
    shown, style = pictures(50), 0.3 + 0.4 * pictures(60)[:1]

    code = torch.cat([m.encode_style(fine(network, style)) for m in network.late_injectors()], 1)
    nothing = torch.zeros(len(shown), 512), torch.zeros(len(shown), 1)
    inject = Injection(network.late_injectors(), code.expand(len(shown), -1), *nothing)
    made = network.refined(shown, inject)

    assert made.shape == shown.shape
    assert torch.cat(inject.used, 1).shape == (4, 512)
    assert distance(network, made, style) < 0.3 * distance(network, shown, style)


def fine(network: VggNetwork, shown: Tensor) -> list[Tensor]:
    """relu2_1."""
    levels: list[Tensor] = network.encoder(shown, 2)[-1:]
    return levels


def distance(network: VggNetwork, shown: Tensor, style: Tensor) -> float:
    """Squared, between the moments of relu2_1."""
    (found,), (wanted,) = fine(network, shown), fine(network, style)
    pairs = zip(frame_moments(found), frame_moments(wanted), strict=True)
    return float(sum((a - b).square().mean() for a, b in pairs))


def pictures(first: int) -> Tensor:
    return planes([picture(first + number, 64, 64) for number in range(4)])


def unexplained(network: VggNetwork, shown: Tensor) -> float:
    """Squared error of what comes back, in that of each picture's mean colour."""
    error = (network.decoder(network.encoder(shown)[-1]) - shown).square().mean()
    return float(error / shown.var((2, 3), correction=0).mean())
