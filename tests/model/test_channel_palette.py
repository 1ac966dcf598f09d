import pytest
import torch
from torch import Tensor

from hsi.model.channel_palette import MOST_GAIN, ChannelMatcher
from hsi.model.injection import spread
from hsi.model.palette import SAMPLED


def picture(seed: int, *, contrast: float = 1.0, height: int = 40, width: int = 48) -> Tensor:
    """Smooth colours, `(1, 3, H, W)` BGR in [0, 1]."""
    drawn = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=drawn)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return 0.5 + contrast * (smooth - 0.5)


def matched(
    painting: Tensor, frame: Tensor, fed: Tensor | None = None, weight: float = 0.0
) -> tuple[Tensor, Tensor]:
    matcher = ChannelMatcher()
    fed = torch.zeros(1, matcher.statistics_size) if fed is None else fed
    made: Tensor
    made, used = matcher(frame, matcher.encode_style([painting]), fed, torch.full((1, 1), weight))
    return made, used


def moments(pictures: Tensor) -> tuple[Tensor, Tensor]:
    seen = pictures[:, :, ::SAMPLED, ::SAMPLED]
    return seen.mean((2, 3)), seen.std((2, 3), correction=0)


def test_channels_take_mean_and_deviation_of_the_painting_s() -> None:
    tint = torch.tensor([0.9, 0.5, 0.2]).view(1, 3, 1, 1)

    made, _ = matched(tint * picture(1), picture(0))

    for found, wanted in zip(moments(made), moments(tint * picture(1)), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-2, atol=1e-3)


def test_a_picture_in_its_own_palette_stays_as_it_is() -> None:
    made, _ = matched(picture(0), picture(0))

    torch.testing.assert_close(made, picture(0), rtol=0, atol=1e-5)


@pytest.mark.parametrize("contrast", [0.0, 0.01, 0.5])
def test_little_contrast_is_hardly_enlarged(contrast: float) -> None:
    frame = picture(0, contrast=contrast)

    made, _ = matched(picture(1), frame)

    torch.testing.assert_close(moments(made)[0], moments(picture(1))[0], rtol=0, atol=1e-5)
    centred = [one - spread(moments(one)[0]) for one in (made, frame)]
    torch.testing.assert_close(centred[0], MOST_GAIN * centred[1], rtol=0, atol=1e-5)


def test_fed_statistics_take_the_place_of_the_frame_s_own() -> None:
    _, fed = matched(picture(1), picture(2))

    made, used = matched(picture(1), picture(0), fed, 1.0)
    _, half_used = matched(picture(1), picture(0), fed, 0.5)
    as_fed, own = matched(picture(1), picture(0))

    torch.testing.assert_close(used, fed)
    torch.testing.assert_close(half_used, (own + fed) / 2)
    assert not torch.allclose(made, as_fed, atol=1e-2)


def test_it_has_nothing_to_learn() -> None:
    assert not list(ChannelMatcher().parameters())
    assert ChannelMatcher().style_half() == []
