from collections.abc import Callable

import torch
from torch import Tensor

from hsi.model import StyleNetwork
from hsi.train.disturbance import LEVELS, disturbed, rounding_errors

Network = Callable[[], StyleNetwork]


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inputs(network: StyleNetwork) -> tuple[Tensor, Tensor]:
    return torch.rand(2, 3, 64, 64), torch.rand(2, network.code_size)


def test_the_disturbance_follows_from_its_generator_alone(tiny: Network) -> None:
    network = tiny()
    frames, codes = inputs(network)

    made = disturbed(network, frames, codes, noise())

    assert made.equal(disturbed(network, frames, codes, noise()))
    assert not made.equal(disturbed(network, frames, codes, noise(1)))


def test_a_batch_is_noisy_or_rounded(tiny: Network) -> None:
    network = tiny()
    frames, codes = inputs(network)
    seen: list[Tensor] = []
    network.get_submodule("stem").register_forward_pre_hook(lambda _, got: seen.append(got[0]))

    made = [disturbed(network, frames, codes, noise(seed)) for seed in range(8)]
    undisturbed, _ = network(frames, codes)

    *disturbances, calm = seen
    # The hook comes before the one that rounds: it sees sensor noise alone.
    assert {bool(one.equal(calm)) for one in disturbances} == {True, False}
    assert not any(one.equal(undisturbed) for one in made)


def test_the_network_is_undisturbed_afterwards(tiny: Network) -> None:
    network = tiny()
    frames, codes = inputs(network)
    before = network(frames, codes)[0]

    disturbed(network, frames, codes, noise())

    assert network(frames, codes)[0].equal(before)


def test_a_flat_scene_gets_the_rounding_errors_of_the_lively_one_beside_it(tiny: Network) -> None:
    network = tiny()
    frames, codes = inputs(network)
    frames[0] = 0.5
    seen: list[Tensor] = []
    network.get_submodule("stem").register_forward_hook(
        lambda layer, got, made: seen.append(got[0])
    )

    with rounding_errors(network, noise()):
        network(frames, codes)

    errors = (seen[0][0] - 0.5).abs()
    assert 0.4 / LEVELS < errors.max() <= 0.501 / LEVELS


def test_the_network_learns_through_the_disturbance(tiny: Network) -> None:
    network = tiny()
    frames, codes = inputs(network)

    disturbed(network, frames, codes, noise()).sum().backward()

    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0
