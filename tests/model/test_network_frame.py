"""Networks whose pictures hold a share of the frame."""

from dataclasses import replace

import pytest
import torch

from hsi.model import PRESETS, StyleNetwork, build_network
from hsi.model.network import FRAME_SHARE


@torch.no_grad()
def test_a_share_of_the_frame_is_added_and_as_much_less_drawn(tiny: StyleNetwork) -> None:
    frame, style = torch.rand(1, 3, 70, 90), torch.rand(1, 3, 64, 64)
    code = tiny.encode_style(style)
    drawn, statistics = tiny(frame, code)

    tiny.add_frame()

    made, used = tiny(frame, code)
    assert tiny.options.add_frame
    assert torch.equal(used, statistics)
    wanted = FRAME_SHARE * frame + (1 - FRAME_SHARE) * drawn
    torch.testing.assert_close(made, wanted, rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_palette_is_that_of_the_whole_picture(tiny: StyleNetwork) -> None:
    frame, style = torch.rand(1, 3, 64, 64), 0.4 * torch.rand(1, 3, 64, 64)
    tiny.add_frame()
    tiny.set_palette("channels")

    made, _ = tiny(frame, tiny.encode_style(style))

    sampled = made[:, :, ::4, ::4].mean((2, 3))
    torch.testing.assert_close(sampled, style[:, :, ::4, ::4].mean((2, 3)), rtol=0, atol=1e-4)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_fresh_network_learns_its_share(preset: str) -> None:
    network = build_network(replace(PRESETS[preset], add_frame=True))

    assert network.frame_share is not None
    assert network.frame_share.requires_grad
    assert "frame_share" in network.state_dict()
    assert "frame_share" not in build_network(PRESETS[preset]).state_dict()
