import pytest
import torch
from torch import Tensor

from hsi.model.palette import BGR, OPPONENT, SAMPLED, PaletteMatcher, opponent_colours, palette_of


def picture(seed: int, *, height: int = 40, width: int = 48) -> Tensor:
    """Smooth colours that go together, `(1, 3, H, W)` BGR in [0, 1]."""
    drawn = torch.Generator().manual_seed(seed)
    mixed = 0.2 * torch.rand(3, 3, generator=drawn) + 0.4 * torch.eye(3)
    coarse = torch.rand(1, 3, 8, 8, generator=drawn)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return torch.einsum("ij,njhw->nihw", mixed, smooth)


def matched(
    painting: Tensor, frame: Tensor, fed: Tensor | None = None, weight: float = 0.0
) -> tuple[Tensor, Tensor]:
    matcher = PaletteMatcher()
    fed = torch.zeros(1, matcher.statistics_size) if fed is None else fed
    code = matcher.encode_style([painting])
    made: Tensor
    made, used = matcher(frame, code, fed, torch.full((1, 1), weight))
    return made, used


def test_a_picture_takes_mean_and_covariance_of_the_painting() -> None:
    painting = picture(1, height=64, width=30)

    made, _ = matched(painting, picture(0))

    seen = (one[:, :, ::SAMPLED, ::SAMPLED] for one in (made, painting))
    found, wanted = (palette_of(opponent_colours(one)) for one in seen)
    for value, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(value, other, rtol=0.02, atol=2e-3)  # but for the floor


def test_a_picture_in_its_own_palette_stays_as_it_is() -> None:
    made, _ = matched(picture(0), picture(0))

    torch.testing.assert_close(made, picture(0), rtol=0, atol=1e-5)


def test_light_and_dark_stay_in_order() -> None:
    frame = picture(0)

    made, _ = matched(picture(1), frame)

    before, after = (opponent_colours(one)[0, 0].flatten() for one in (frame, made))
    assert (after[before.argsort()].diff() > -1e-5).all()


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_a_flat_frame_takes_the_mean_and_its_noise_is_not_blown_up(grey: float) -> None:
    noise = 0.004 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    made, _ = matched(picture(1), grey + noise)

    torch.testing.assert_close(made.mean((2, 3)), picture(1).mean((2, 3)), rtol=0, atol=1e-2)
    assert made.std() < 5 * noise.std()


def test_fed_statistics_take_the_place_of_the_frame_s_own() -> None:
    _, fed = matched(picture(1), picture(2))

    made, used = matched(picture(1), picture(0), fed, 1.0)
    half, half_used = matched(picture(1), picture(0), fed, 0.5)

    torch.testing.assert_close(used, fed)
    _, own = matched(picture(1), picture(0))
    torch.testing.assert_close(half_used, (own + fed) / 2)
    assert not torch.allclose(made, half, atol=1e-2)


def test_a_palette_is_measured_on_every_sixteenth_pixel() -> None:
    frame = picture(0, height=64, width=64)
    seen = frame.clone()
    seen[:, :, 1::SAMPLED], seen[:, :, :, 1::SAMPLED] = 0.0, 1.0

    assert torch.equal(matched(picture(1), seen)[1], matched(picture(1), frame)[1])


def test_the_matrices_are_the_opponent_colours_and_their_inverse() -> None:
    there, back = torch.tensor(OPPONENT), torch.tensor(BGR)

    torch.testing.assert_close(there @ back, torch.eye(3))
    found = opponent_colours(picture(0)) - opponent_colours(torch.zeros(1, 3, 1, 1))
    torch.testing.assert_close(found, torch.einsum("ij,njhw->nihw", there, picture(0)))


def test_it_has_nothing_to_learn() -> None:
    assert not list(PaletteMatcher().parameters())
    assert not PaletteMatcher().state_dict()
