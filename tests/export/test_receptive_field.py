from __future__ import annotations

import pytest
import torch

from hsi.export import receptive_field as module
from hsi.export.receptive_field import receptive_field
from hsi.model import PRESETS, NetworkOptions, StyleNetwork, build_network
from hsi.runtime.errors import QualityError


@pytest.mark.parametrize(("modules", "pixels"), [(1, 95), (2, 127), (3, 159)])
def test_it_is_what_the_layers_add_up_to(modules: int, pixels: int) -> None:
    # Two 3x3 convolutions at stride 8 a module, 32 pixels; 63 for the other layers.
    options = NetworkOptions(modules=modules, stem_width=4, body_width=4, style_hidden=4)
    assert receptive_field(build_network(options).eval()) == pixels


def test_it_does_not_depend_on_the_weights_nor_change_them(network: StyleNetwork) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    assert receptive_field(network) == 95
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_a_pixel_outside_changes_nothing_and_one_inside_does(network: StyleNetwork) -> None:
    half, place = receptive_field(network) // 2, 128
    code = torch.rand(1, network.code_size)
    fed, weight = torch.rand(1, network.statistics_size), torch.ones(1, 1)
    frame = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        wanted, _ = network(frame, code, fed, weight)
        for change, same in ((-half - 1, True), (half + 8, True), (-8, False), (8, False)):
            changed = frame.clone()
            changed[:, :, place + change] = 5.0
            made, _ = network(changed, code, fed, weight)
            # what is fed in at weight 1 is own + (fed - own): the same up to rounding
            moved = float((made[:, :, place] - wanted[:, :, place]).abs().max())
            assert moved < 1e-5 if same else moved > 1e-3


def test_a_network_that_sees_everything_is_refused(
    network: StyleNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WINDOWS", (64,))
    with pytest.raises(QualityError, match="receptive field: expected less than 64 pixels, found"):
        receptive_field(network)


def test_both_presets_see_less_than_tiles_are_wide() -> None:
    assert receptive_field(build_network(PRESETS["hsi-edge"]).eval()) < 256
