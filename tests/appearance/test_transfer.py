"""The loop with a bank, against the published batch of all rows, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bench.full_batch import invert_both, transfer_full_batch
from hsi.appearance import DiffusionModel
from hsi.runtime.appearance import (
    Bank,
    TransferOptions,
    load_bank,
    make_bank,
    save_bank,
    transfer,
)
from hsi.runtime.errors import BundleError, OptionError

Array = npt.NDArray[np.float32]
Pair = tuple[Array, Array]


@pytest.fixture(scope="module")
def bank(model: DiffusionModel, pictures: Pair, options: TransferOptions) -> Bank:
    return make_bank(model, pictures[1], options)


@pytest.mark.parametrize("adain", ["global", "masked"])
def test_a_bank_gives_what_the_whole_batch_gives(
    model: DiffusionModel, pictures: Pair, options: TransferOptions, adain: str
) -> None:
    options = replace(options, adain=adain)
    bank = make_bank(model, pictures[1], options)
    found = transfer(model, bank, pictures[0], options)

    paths = invert_both(model, *pictures, options)
    wanted = transfer_full_batch(model, bank, paths, found.masks, options)

    assert abs(found.latents - wanted).max() < 1e-4
    assert abs(found.latents - pictures[0]).max() > 0.1


def test_a_bank_follows_guided_inversions_too(
    model: DiffusionModel, pictures: Pair, options: TransferOptions
) -> None:
    # Published: rows of the batch drift from what was inverted, and the bank must drift with them.
    options = replace(options, inversion_guidance=3.5, keep_last_noise=False, renormalise=False)
    bank = make_bank(model, pictures[1], options)
    found = transfer(model, bank, pictures[0], options)

    paths = invert_both(model, *pictures, options)
    wanted = transfer_full_batch(model, bank, paths, found.masks, options)

    assert abs(found.latents - wanted).max() < 1e-4


def test_a_hundred_steps_take_261_forwards(
    model: DiffusionModel, pictures: Pair, calls: list[int]
) -> None:
    options = replace(TransferOptions.published(), inversion_guidance=1.0, rows=68)

    bank = make_bank(model, pictures[1], options)
    assert sum(calls) == 68
    transfer(model, bank, pictures[0], options)

    assert sum(calls) == 68 + 68 + 11 + 2 * 57 == 261


def test_a_second_structure_costs_no_second_encoding_of_the_appearance(
    model: DiffusionModel, bank: Bank, pictures: Pair, options: TransferOptions, calls: list[int]
) -> None:
    transfer(model, bank, pictures[0], options)

    assert sum(calls) == 8 + 1 + 2 * 7


def test_the_default_is_cheaper_than_half(
    model: DiffusionModel, pictures: Pair, calls: list[int]
) -> None:
    options = TransferOptions()

    transfer(model, make_bank(model, pictures[1], options), pictures[0], options)

    assert sum(calls) == 131


def test_a_few_steps_take_few_forwards(
    model: DiffusionModel, pictures: Pair, calls: list[int]
) -> None:
    options = replace(TransferOptions.few_step(4), adain="global")

    found = transfer(model, make_bank(model, pictures[1], options), pictures[0], options)

    assert calls == [1] * 8
    assert np.isfinite(found.latents).all()


def test_structures_of_a_batch_are_on_their_own(
    model: DiffusionModel, pictures: Pair, options: TransferOptions
) -> None:
    options = replace(options, adain="masked", query_blend=0.5)
    both = np.concatenate(pictures)
    banks = make_bank(model, both, options)
    crossed = transfer(model, banks, both, options, style_index=[1, 0])

    alone = transfer(model, make_bank(model, pictures[1], options), pictures[0], options)

    assert abs(crossed.latents[:1] - alone.latents).max() < 1e-4
    assert (crossed.masks[:1] == alone.masks).all()


@pytest.mark.parametrize(
    "change",
    [
        {"contrast": 1.0},
        {"guidance": (1.0, 1.0)},
        {"renormalise": False},
        {"temperature": 1.5},
        {"adain": "off"},
        {"query_blend": 0.75},
        {"refresh_until": 0.0},
        {"shuffle_values": True},
    ],
)
def test_every_knob_does_something(
    model: DiffusionModel, pictures: Pair, options: TransferOptions, change: dict[str, object]
) -> None:
    plain = transfer(model, make_bank(model, pictures[1], options), pictures[0], options)
    changed = replace(options, **change)  # type: ignore[arg-type]

    found = transfer(model, make_bank(model, pictures[1], changed), pictures[0], changed)

    assert abs(found.latents - plain.latents).max() > 1e-3


def test_progress_is_told(
    model: DiffusionModel, bank: Bank, pictures: Pair, options: TransferOptions
) -> None:
    told: list[tuple[int, int]] = []

    transfer(model, bank, pictures[0], options, on_step=lambda *done: told.append(done))

    assert told == [(n, 8) for n in range(1, 9)]


def test_a_stored_bank_is_as_good(
    model: DiffusionModel, bank: Bank, pictures: Pair, options: TransferOptions, tmp_path: Path
) -> None:
    save_bank(bank, tmp_path / "cat.bank")

    stored = load_bank(tmp_path / "cat.bank")

    wanted = transfer(model, bank, pictures[0], options).latents
    assert (transfer(model, stored, pictures[0], options).latents == wanted).all()
    assert [path.name for path in tmp_path.iterdir()] == ["cat.bank"]
    assert len(list(stored.features)) == 8
    save_bank(stored, tmp_path / "copy.bank")
    assert (tmp_path / "copy.bank").read_bytes() == (tmp_path / "cat.bank").read_bytes()


def test_a_changed_bank_is_refused(bank: Bank, tmp_path: Path) -> None:
    path = tmp_path / "cat.bank"
    save_bank(bank, path)
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)

    with pytest.raises(BundleError, match=r"cat\.bank: expected an appearance bank as it was"):
        load_bank(path)


def test_what_is_no_bank_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat.bank").write_bytes(b"a picture of a cat")

    with pytest.raises(BundleError, match="found another file or damage"):
        load_bank(tmp_path / "cat.bank")
    with pytest.raises(BundleError, match=r"dog\.bank: expected a bank, found no such file"):
        load_bank(tmp_path / "dog.bank")


def test_a_bank_of_another_model_is_refused(
    loaded: DiffusionModel, bank: Bank, pictures: Pair, options: TransferOptions
) -> None:
    with pytest.raises(OptionError, match=r"bank: expected one of model .* with this model"):
        transfer(loaded, bank, pictures[0], options)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"steps": 20}, "expected 18 steps from timestep 851, found 8 from 701"),
        ({"coarse_range": (0.125, 1.0)}, r"expected keys of up_blocks\.1.* at step 6, found none"),
    ],
)
def test_a_bank_of_other_options_is_refused(
    model: DiffusionModel,
    bank: Bank,
    pictures: Pair,
    options: TransferOptions,
    change: dict[str, object],
    match: str,
) -> None:
    with pytest.raises(OptionError, match=match):
        transfer(model, bank, pictures[0], replace(options, **change))  # type: ignore[arg-type]


def test_a_bank_of_another_size_is_refused(
    model: DiffusionModel, bank: Bank, pictures: Pair, options: TransferOptions
) -> None:
    with pytest.raises(OptionError, match=r"bank: expected latents of \(4, 8, 16\), found"):
        transfer(model, bank, pictures[0][:, :, :8], options)


def test_an_empty_mask_is_refused(
    model: DiffusionModel, bank: Bank, pictures: Pair, options: TransferOptions
) -> None:
    with pytest.raises(OptionError, match="mask 0: expected at least 16 latent pixels"):
        transfer(model, bank, pictures[0], options, masks=np.zeros((1, 16, 16), np.float32))
    with pytest.raises(OptionError, match=r"masks: expected \(1, 16, 16\)"):
        transfer(model, bank, pictures[0], options, masks=np.ones((1, 8, 8), np.float32))


def test_a_style_that_is_not_there_is_refused(
    model: DiffusionModel, bank: Bank, pictures: Pair, options: TransferOptions
) -> None:
    with pytest.raises(OptionError, match="style_index: expected 1 numbers below 1, found"):
        transfer(model, bank, pictures[0], options, style_index=[1])


def test_a_picture_that_is_not_square_works(
    model: DiffusionModel, pictures: Pair, options: TransferOptions
) -> None:
    options = replace(options, adain="masked")
    wide = [np.concatenate([x, x[..., ::-1]], axis=3) for x in pictures]

    found = transfer(model, make_bank(model, wide[1], options), wide[0], options)

    assert found.latents.shape == (1, 4, 16, 32)
    assert found.masks.shape == (1, 16, 32)
