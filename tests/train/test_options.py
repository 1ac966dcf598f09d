from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.errors import OptionError
from hsi.train.options import LossWeights, TrainOptions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch": -1}, "batch must be at least 1, got -1"),
        ({"batch": 4, "share": 3}, "share must divide the batch of 4, got 3"),
        ({"share": 0}, "share must divide the batch of 2, got 0"),
        ({"save_every": 0}, "save_every must be at least 1, got 0"),
        ({"steps": 9, "schedule": 8}, "schedule must be at least the 9 steps, got 8"),
        ({"structure_levels": ()}, r"structure_levels must be some of 1, 2, 3 and 4, got \(\)"),
        ({"structure_levels": (0, 1)}, r"structure_levels must be some of 1, 2, 3 and 4, got"),
        ({"structure_levels": (2, 2)}, r"structure_levels must be some of 1, 2, 3 and 4, got"),
        ({"style_ramp": -1}, "style_ramp must be 0 or more, got -1"),
        ({"crop": 100}, "crop must be a multiple of 8 from 64, got 100"),
        ({"crop": 56}, "crop must be a multiple of 8 from 64, got 56"),
        ({"context": 12}, "context must be a multiple of 8 from 0, got 12"),
        ({"context": -8}, "context must be a multiple of 8 from 0, got -8"),
        ({"style_crop": 100}, "style_crop must be a multiple of the crop of 64, got 100"),
        ({"style_crop": 0}, "style_crop must be a multiple of the crop of 64, got 0"),
        ({"drawn": 2}, "drawn must lie between 0 and 1, got 2"),
        ({"flatten": -0.5}, r"flatten must lie between 0 and 1, got -0\.5"),
        ({"contrast": 1.5}, r"contrast must lie between 0 and 1, got 1\.5"),
        ({"gradient_map": -1}, "gradient_map must lie between 0 and 1, got -1"),
        (
            {"style_crop": 128, "weights": LossWeights(identity=1)},
            "style_crop must be the crop of 64 beside an identity loss",
        ),
        ({"teacher": Path("large.pt")}, "come with a teacher weight above 0, .* got a weight of 0"),
        (
            {"weights": LossWeights(teacher=1)},
            "a teacher must come with .* got a weight alone",
        ),
        ({"style_norm": "l1"}, "style_norm must be l2 or mse, got 'l1'"),
        ({"rate": 0.0}, r"rate must lie between 0 and 1, got 0\.0"),
        ({"rate": float("nan")}, "rate must lie between 0 and 1, got nan"),
        ({"precision": "fp8"}, "precision must be fp32 or bf16, got 'fp8'"),
        ({"device": "abacus"}, "device must be one torch has here, got 'abacus'"),
        ({"device": "cuda:99"}, "device must be one torch has here, got 'cuda:99'"),
        ({"device": "meta"}, "device must be one that computes, got 'meta'"),
    ],
)
def test_nonsense_is_refused_with_the_option_s_name_and_value(
    make_options: Callable[..., TrainOptions], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        make_options(**changes)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_a_loss_weight_is_0_or_more(value: float) -> None:
    with pytest.raises(OptionError, match="the grey_content weight must be 0 or more, got"):
        LossWeights(grey_content=value)


def test_the_paper_s_weights_are_the_defaults() -> None:
    weights = LossWeights()

    assert (weights.style, weights.content, weights.grey_content) == (60, 5, 5)
    assert (weights.adversarial, weights.identity) == (50, 0)


def test_what_a_checkpoint_keeps_of_the_options_has_no_folders(
    make_options: Callable[..., TrainOptions], tmp_path: Path
) -> None:
    values = make_options(exclude=tmp_path / "eval.json").to_dict()

    assert values["content"] == ["photos"]
    assert values["exclude"] == "eval.json"
    assert str(tmp_path) not in str(values)
