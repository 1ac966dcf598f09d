"""Networks whose pictures take the palette of the painting."""

import pytest
import torch

from hsi.model import StyleNetwork
from hsi.model.options import Palette
from hsi.model.palette import SAMPLED


@torch.no_grad()
@pytest.mark.parametrize(("kind", "numbers"), [("channels", 6), ("covariance", 9)])
def test_pictures_of_a_network_with_the_palette_have_the_painting_s(
    tiny: StyleNetwork, kind: Palette, numbers: int
) -> None:
    frame, style = torch.rand(1, 3, 64, 96), torch.rand(1, 3, 64, 96)
    style *= torch.tensor([0.2, 0.9, 0.4]).view(1, 3, 1, 1)
    tiny.add_code_mixer(8)
    code, before = tiny.encode_style(style), tiny.statistics_size

    tiny.set_palette(kind)

    longer = tiny.encode_style(style)
    made, used = tiny(frame, longer)
    assert tiny.options.match_palette == kind
    assert torch.equal(longer[:, : code.shape[1]], code)  # the mixer has no part in the rest
    assert used.shape == (1, before + numbers)
    found, wanted = (one[:, :, ::SAMPLED, ::SAMPLED].mean((2, 3)) for one in (made, style))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-3)

    tiny.set_palette("none")

    assert torch.equal(tiny.encode_style(style), code)
