from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hsi.appearance import DiffusionModel
from hsi.runtime.appearance import Role, TransferOptions, invert, reconstruct, replay
from hsi.runtime.errors import QualityError

Array = npt.NDArray[np.float32]
Pair = tuple[Array, Array]


def test_a_replay_gives_the_picture_back(
    model: DiffusionModel, pictures: Pair, options: TransferOptions
) -> None:
    trajectory = invert(model, pictures[0], options)

    assert abs(replay(model, trajectory, options).latents - trajectory.latents).max() < 1e-4
    assert abs(reconstruct(model, trajectory, options) - pictures[0]).max() < 1e-4


def test_without_the_last_noise_the_picture_comes_back_nearly(
    model: DiffusionModel, pictures: Pair, options: TransferOptions
) -> None:
    options = replace(options, keep_last_noise=False)
    trajectory = invert(model, pictures[0], options)

    error = abs(reconstruct(model, trajectory, options) - pictures[0]).max()

    assert not trajectory.noise[-1].any()
    assert 1e-3 < error < 0.5


def test_steps_at_once_or_one_by_one_give_the_same_noise(
    model: DiffusionModel, pictures: Pair, options: TransferOptions, calls: list[int]
) -> None:
    batched = invert(model, pictures[0], replace(options, rows=8))
    single = invert(model, pictures[0], replace(options, rows=1))

    assert calls == [8] + [1] * 8
    assert abs(batched.noise - single.noise).max() < 1e-4
    assert (batched.latents == single.latents).all()


def test_guidance_costs_a_second_pass_and_spoils_the_reconstruction(
    model: DiffusionModel, pictures: Pair, options: TransferOptions, calls: list[int]
) -> None:
    guided = replace(options, inversion_guidance=3.5)
    trajectory = invert(model, pictures[0], guided)

    assert sum(calls) == 2 * 8
    assert abs(reconstruct(model, trajectory, guided) - pictures[0]).max() > 1e-3


def test_a_picture_of_a_batch_has_the_noise_it_has_alone(
    model: DiffusionModel, pictures: Pair, options: TransferOptions
) -> None:
    alone = invert(model, pictures[1], options)

    both = invert(model, np.concatenate(pictures), options)

    assert abs(both.noise[:, 1:] - alone.noise).max() < 1e-4


def test_seeds_and_roles_draw_other_noise(
    model: DiffusionModel, pictures: Pair, options: TransferOptions
) -> None:
    one = invert(model, pictures[0], options).latents

    assert (invert(model, pictures[0], options).latents == one).all()
    other = invert(model, pictures[0], replace(options, seed=7)).latents
    appearance = invert(model, pictures[0], options, role=Role.APPEARANCE).latents
    assert abs(other - one)[:-1].max() > 0.1
    assert abs(appearance - one)[:-1].max() > 0.1


def test_noise_maps_are_the_papers_formula(model: DiffusionModel, pictures: Pair) -> None:
    options = TransferOptions(steps=10, skip=9)
    (step,) = model.schedule.steps(10)[9:]
    trajectory = invert(model, pictures[0], options)
    noisy = trajectory.latents[0].astype(np.float64)
    eps = model.predict(trajectory.latents[0], np.array([step.timestep])).output
    a, b = step.alpha, step.alpha_next
    variance = (1 - b) / (1 - a) * (1 - a / b)
    clean = (noisy - np.sqrt(1 - a) * eps) / np.sqrt(a)
    mean = np.sqrt(b) * clean + np.sqrt(1 - b - variance) * eps

    assert abs(trajectory.noise[0] - (pictures[0] - mean) / np.sqrt(variance)).max() < 1e-3


def test_a_network_that_gives_nan_ends_at_once(
    model: DiffusionModel, pictures: Pair, options: TransferOptions
) -> None:
    hook = model.unet.conv_out.register_forward_hook(lambda _, __, output: output * torch.nan)

    with hook, pytest.raises(QualityError, match=r"step 0 \(timestep 701\): expected numbers"):
        invert(model, pictures[0], options)
