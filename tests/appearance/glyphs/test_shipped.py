"""The shipped U-Net moves appearance class by class, and does not where it must not."""

from dataclasses import replace

import pytest

from hsi.appearance import DiffusionModel, load_model
from hsi.appearance.glyphs.experiment import run_experiment
from hsi.appearance.glyphs.methods import DEFAULT, FEW_STEPS, Method, no_transfer, transferred
from hsi.appearance.glyphs.pairs import held_out_pairs
from hsi.appearance.glyphs.purity import attention_purity
from hsi.appearance.glyphs.trained import SHIPPED
from hsi.runtime.appearance import TransferOptions

QUICK = replace(DEFAULT, steps=16, skip=7)  # the same part of the schedule, in a third of the steps


@pytest.fixture(scope="module")
def shipped() -> DiffusionModel:
    return load_model(SHIPPED)


def scored(model: DiffusionModel, options: TransferOptions, pairs: int) -> dict[str, float]:
    methods = [
        Method(name="no transfer", make=no_transfer),
        Method(name="tried", make=transferred(options)),
    ]
    nothing, tried = run_experiment(model, methods, held_out_pairs(pairs, seed=12))
    return {name: found.value for name, found in tried.estimates(nothing).items()}


def test_it_is_small_and_nothing_in_it_runs() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]

    assert {path.suffix for path in files} == {".csv", ".json", ".md", ".safetensors"}
    assert sum(path.stat().st_size for path in files) < 6_000_000


def test_its_last_attention_goes_to_glyphs_of_the_same_class() -> None:
    *_, last = attention_purity(load_model(SHIPPED).unet, count=4).values()

    assert last.ratio > 0.7  # chance is about a third


def test_the_method_moves_colours_and_keeps_shapes(shipped: DiffusionModel) -> None:
    found = scored(shipped, QUICK, pairs=4)

    assert found["colour_error_ratio"] < 0.5
    assert found["part_accuracy"] > 0.85
    assert found["iou"] > 0.8


def test_few_steps_move_colours_too(shipped: DiffusionModel) -> None:
    found = scored(shipped, FEW_STEPS, pairs=8)

    assert found["colour_error_ratio"] < 0.5
    assert found["part_accuracy"] > 0.85


def test_values_of_the_wrong_places_move_nothing(shipped: DiffusionModel) -> None:
    found = scored(shipped, replace(FEW_STEPS, shuffle_values=True), pairs=8)

    assert found["colour_error_ratio"] > 0.8
    assert found["part_accuracy"] < 0.45
