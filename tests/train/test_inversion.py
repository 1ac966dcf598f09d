from pathlib import Path

import torch
from torch import Tensor

from hsi.model import PRESETS, VggNetwork
from hsi.train.first_weights import fresh_network
from hsi.train.inversion import solve_decoder
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


def pictures(first: int) -> Tensor:
    return planes([picture(first + number, 64, 64) for number in range(4)])


def unexplained(network: VggNetwork, shown: Tensor) -> float:
    """Squared error of what comes back, in that of each picture's mean colour."""
    error = (network.decoder(network.encoder(shown)[-1]) - shown).square().mean()
    return float(error / shown.var((2, 3), correction=0).mean())
