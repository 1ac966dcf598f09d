from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hsi.model import StyleNetwork
from hsi.runtime.errors import OptionError
from hsi.train.losses import LossNetwork
from hsi.train.options import LossWeights
from hsi.train.pictures import PictureSet
from hsi.train.tuning import StyleTuner, TuneOptions

MakePictures = Callable[..., Path]


def tuner_of(network: StyleNetwork, photos: Path, judge: Path, **options: Any) -> StyleTuner:
    chosen = TuneOptions(crop=64, **options)
    return StyleTuner(network, PictureSet((photos,)), LossNetwork(judge), chosen)


def test_a_tuned_code_is_nearer_to_the_style_and_the_network_as_it_was(
    tiny: Callable[[], StyleNetwork], make_pictures: MakePictures, loss_network: Path
) -> None:
    network, style = tiny(), torch.rand(1, 3, 96, 80)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tuner = tuner_of(network, make_pictures("photos"), loss_network, steps=20)

    tuned = tuner.tune(style)

    assert tuned.code.shape == (1, network.code_size)
    assert tuned.after.style < tuned.before.style - 0.01
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_tuning_tells_of_each_step_and_depends_on_the_seed_alone(
    tiny: Callable[[], StyleNetwork], make_pictures: MakePictures, loss_network: Path
) -> None:
    photos, style = make_pictures("photos"), torch.rand(1, 3, 64, 64)
    told: list[int] = []

    def code_of(seed: int) -> torch.Tensor:
        tuner = tuner_of(tiny(), photos, loss_network, steps=2, seed=seed)
        return tuner.tune(style, lambda step, loss: told.append(step)).code

    assert torch.equal(code_of(1), code_of(1))
    assert not torch.equal(code_of(1), code_of(2))
    assert told[:2] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"crop": 100}, "crop must be a multiple of 8 from 64, got 100"),
        ({"rate": 0.0}, r"rate must lie between 0 and 10, got 0\.0"),
        (
            {"weights": LossWeights()},
            "weights of adversarial, identity and teacher's loss must be 0",
        ),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        TuneOptions(**changes)
