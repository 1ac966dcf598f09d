import json
from typing import Any

import pytest

from hsi.model import PRESETS, InjectorOptions, NetworkOptions
from hsi.runtime.errors import OptionError


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_survive_json(preset: str) -> None:
    options = PRESETS[preset]

    assert NetworkOptions.from_dict(json.loads(json.dumps(options.to_dict()))) == options
    assert options.preset == preset


def test_options_missing_from_an_older_file_take_their_defaults() -> None:
    assert NetworkOptions.from_dict({"preset": "hsi-vgg"}) == NetworkOptions(preset="hsi-vgg")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preset": "hsi-huge"}, "preset must be one of hsi-edge, hsi-vgg, got 'hsi-huge'"),
        ({"modules": 0}, "modules must be a whole number from 1 to 1024, got 0"),
        ({"body_width": 1 << 20}, "body_width must be .* got 1048576"),
        ({"stem_width": 2.5}, "stem_width must be a whole number from 1 to 1024, got 2.5"),
        ({"stem_width": "wide"}, "stem_width must be .* got 'wide'"),
        ({"preset": "hsi-edge", "skip": True}, "skip must be .* true for hsi-vgg alone, got True"),
        ({"preset": "hsi-vgg", "refinements": 5}, "refinements must be .* from 0 to 4, .* got 5"),
        ({"preset": "hsi-edge", "refinements": 1}, "refinements must be .* 0 for hsi-edge, got 1"),
        ({"add_frame": 1}, "add_frame must be true or false, got 1"),
        ({"match_palette": "all"}, "match_palette must be one of none, channels, .* got 'all'"),
        ({"preset": "hsi-vgg", "skip": 1}, "skip must be true or false, .* got 1"),
        ({"depth": 3}, "unknown option 'depth'"),
        ({"injector": {"residual": "none"}}, "residual must be one of raw, instance, got 'none'"),
        ({"injector": {"softmax": True}}, "unknown option 'softmax'"),
        ({"injector": {"statistics": []}}, "non-empty subset of mean, .* got nothing"),
        ({"injector": {"statistics": ["median"]}}, "subset of mean, .* got median"),
        ({"injector": {"deviation_floor": 0.0}}, "deviation_floor must be positive, got 0.0"),
    ],
)
def test_nonsense_is_refused_with_the_option_s_name_and_value(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        NetworkOptions.from_dict(values)


def test_an_injector_names_what_it_allows() -> None:
    with pytest.raises(OptionError, match="activation must be one of sigmoid, tanh, got 'softmax'"):
        InjectorOptions(activation="softmax")  # type: ignore[arg-type]


def test_a_palette_of_before_there_were_two_is_the_covariance() -> None:
    assert NetworkOptions.from_dict({"match_palette": True}).match_palette == "covariance"
    assert NetworkOptions.from_dict({"match_palette": False}).match_palette == "none"
