"""Every method is run on every pair, counted, scored and shown."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from hsi.appearance import DiffusionModel
from hsi.appearance.glyphs.denoiser import build_unet
from hsi.appearance.glyphs.experiment import MethodResult, run_experiment
from hsi.appearance.glyphs.methods import (
    DEFAULT,
    METHODS,
    Method,
    no_transfer,
    reconstruction,
    transferred,
)
from hsi.appearance.glyphs.pairs import Pairs, bgr_from_pictures, held_out_pairs, pictures_from_bgr
from hsi.appearance.glyphs.sheet import experiment_sheet
from hsi.appearance.glyphs.table import missing_lines, notes, table, values
from hsi.appearance.glyphs.trained import open_denoiser
from hsi.runtime.errors import OptionError

QUICK = replace(DEFAULT, steps=4, skip=2)


@pytest.fixture(scope="module")
def untrained() -> DiffusionModel:
    torch.manual_seed(0)
    return open_denoiser(build_unet())


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return held_out_pairs(6, seed=4)


@pytest.fixture(scope="module")
def results(untrained: DiffusionModel, pairs: Pairs) -> Sequence[MethodResult]:
    methods = [
        Method(name="no transfer", make=no_transfer),
        Method(name="reconstruction", make=reconstruction),
        Method(name="quick", make=transferred(QUICK)),
    ]
    return run_experiment(untrained, methods, pairs, chunk=4)


def test_held_out_pairs_are_always_the_same_and_another_seed_has_others() -> None:
    first, again, other = (held_out_pairs(2, seed).styles.pictures for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_structures_have_every_class_and_some_styles_lack_one() -> None:
    pairs = held_out_pairs(40, seed=1)

    assert pairs.structures.present().all()
    assert not pairs.styles.present().all()


def test_pictures_survive_the_way_to_the_model_and_back(pairs: Pairs) -> None:
    pictures = pairs.styles.pictures

    found = pictures_from_bgr(bgr_from_pictures(pictures))

    np.testing.assert_allclose(found, pictures, atol=0.5 / 255 + 1e-6)


def test_no_transfer_keeps_the_colours_and_costs_nothing(results: Sequence[MethodResult]) -> None:
    nothing = results[0]

    assert nothing.forwards == 0
    assert nothing.scores.iou.min() > 0.97
    assert nothing.estimates(nothing)["colour_error_ratio"].value == 1


def test_even_an_untrained_network_reconstructs(results: Sequence[MethodResult]) -> None:
    nothing, rebuilt, _ = results

    off = np.abs(rebuilt.pictures.astype(int) - nothing.pictures)
    assert off.max() <= 1
    assert rebuilt.forwards == 2 * DEFAULT.loop_steps


def test_forwards_of_a_transfer_are_counted(results: Sequence[MethodResult]) -> None:
    # Two inversions of two steps, and two rows at each step that swaps.
    assert 6 <= results[2].forwards <= 8


def test_a_class_that_the_style_lacks_goes_somewhere(
    results: Sequence[MethodResult], pairs: Pairs
) -> None:
    lacking = int((~pairs.styles.present()).sum())

    assert lacking > 0
    assert results[2].destinations.total() == lacking


def test_the_table_has_a_row_for_each_method(results: Sequence[MethodResult]) -> None:
    rows = table(results).splitlines()

    assert len(rows) == 2 + len(results)
    assert rows[2].startswith("| no transfer | 1.000 (1.000-1.000) |")
    assert len(missing_lines(results).splitlines()) == len(results)


def test_notes_tell_the_masks_of_methods_that_need_them(results: Sequence[MethodResult]) -> None:
    assert results[0].mask_iou is None
    assert results[2].mask_iou is not None
    assert "  quick: 0." in notes(results)


def test_json_values_hold_every_pair(results: Sequence[MethodResult], pairs: Pairs) -> None:
    found = values(results)

    assert found["pairs"] == len(pairs)
    assert len(found["methods"][1]["scores"]["iou"]) == len(pairs)


def test_the_sheet_has_a_row_for_each_method_beside_the_first(
    results: Sequence[MethodResult], pairs: Pairs
) -> None:
    sheet = experiment_sheet(results, pairs, columns=3)

    assert sheet.shape == (4 * 100, 190 + 3 * 100, 3)


def test_the_experiment_has_the_controls() -> None:
    names = [method.name for method in METHODS]

    assert names[0] == "no transfer"
    assert {"reconstruction", "AdaIN alone", "control", "few steps"} <= set(names)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(OptionError, match="seed must be 0 or more, got -1"):
        held_out_pairs(2, seed=-1)
