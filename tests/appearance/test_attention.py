"""The formulas, against float64 written out from the paper's account."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hsi.appearance.attention import contrasted_attention, plain_attention, select_rows
from hsi.appearance.free_u import free_u

Floats = npt.NDArray[np.float64]


def drawn(*shape: int, seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape)


def softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def reference(
    query: Floats, key: Floats, value: Floats, beta: float, *, clip: bool, renormalise: bool
) -> Floats:
    weights = softmax(query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1]))
    weights = beta * (weights - weights.mean(-1, keepdims=True)) + weights.mean(-1, keepdims=True)
    if clip:
        weights = np.clip(weights, 0, 1)
    if renormalise:
        weights = weights / weights.sum(-1, keepdims=True)
    return np.asarray(weights @ value)


def attended(
    beta: float, *, clip: bool, renormalise: bool, shape: tuple[int, ...] = (2, 3, 20, 8)
) -> Floats:
    """How far off the formula it is."""
    query, key, value = (drawn(*shape, seed=i) for i in range(3))
    found = contrasted_attention(
        *(torch.tensor(x, dtype=torch.float32) for x in (query, key, value)),
        contrast=torch.full(shape[:1], beta),
        clip=torch.tensor(float(clip)),
        renormalise=torch.tensor(float(renormalise)),
    )
    wanted = reference(query, key, value, beta, clip=clip, renormalise=renormalise)
    return np.asarray(found.numpy() - wanted)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize("beta", [1.0, 1.67, 3.0])
def test_contrast_is_its_formula(beta: float, clip: bool, renormalise: bool) -> None:
    assert abs(attended(beta, clip=clip, renormalise=renormalise)).max() < 1e-5


def test_queries_in_pieces_give_the_same() -> None:
    off = attended(1.67, clip=True, renormalise=False, shape=(1, 1, 1100, 4))

    assert abs(off).max() < 1e-5


def test_no_contrast_is_plain_attention() -> None:
    query, key, value = (torch.tensor(drawn(2, 3, 20, 8, seed=i)).float() for i in range(3))
    one = torch.tensor(1.0)

    found = contrasted_attention(
        query, key, value, contrast=torch.ones(2), clip=one, renormalise=one
    )

    assert (found - plain_attention(query, key, value)).abs().max() < 1e-6


def test_rows_of_clipped_contrast_sum_to_between_one_and_beta() -> None:
    query, key = (torch.tensor(drawn(2, 3, 64, 8, seed=i)).float() * 2 for i in range(2))
    ones = torch.ones(2, 3, 64, 1)  # values of one: the output is each row's sum

    sums = contrasted_attention(
        query,
        key,
        ones,
        contrast=torch.full((2,), 1.67),
        clip=torch.tensor(1.0),
        renormalise=torch.tensor(0.0),
    )

    assert sums.min() >= 1 - 1e-5
    assert sums.max() <= 1.67
    assert sums.max() > 1.2


def test_each_row_has_a_contrast_of_its_own() -> None:
    query, key, value = (torch.tensor(drawn(2, 3, 20, 8, seed=i)).float() for i in range(3))
    settings = {"clip": torch.tensor(1.0), "renormalise": torch.tensor(0.0)}

    both = contrasted_attention(query, key, value, contrast=torch.tensor([1.0, 1.67]), **settings)

    assert (both[:1] - plain_attention(query, key, value)[:1]).abs().max() < 1e-6
    assert (both[1:] - plain_attention(query, key, value)[1:]).abs().max() > 1e-2


def test_rows_come_from_the_batch_and_then_from_the_bank() -> None:
    own, foreign = torch.zeros(2, 4, 3), torch.ones(1, 4, 3)

    found = select_rows(own, foreign, torch.tensor([2, 1]))

    assert found.mean(dim=(1, 2)).tolist() == [1, 0]


def test_free_u_is_what_the_published_code_does_by_fft() -> None:
    hidden = drawn(2, 6, 8, 12, seed=5)
    wanted = hidden.copy()
    wanted[:, :3] *= 1.4
    spectrum = np.fft.fftshift(np.fft.fft2(wanted), axes=(2, 3))
    spectrum[:, :, 3:5, 5:7] *= 0.2

    found = free_u(torch.tensor(hidden).float(), 1.4, 0.2)

    inverse = np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(2, 3))).real
    assert abs(found.numpy() - inverse).max() < 1e-5
