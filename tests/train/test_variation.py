from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hsi.train.pattern import drawn_pattern
from hsi.train.variation import (
    STYLE_VARIATIONS,
    contrasted,
    degraded,
    flattened,
    gradient_mapped,
    recoloured,
    redrawn,
    varied,
)

Picture = npt.NDArray[np.uint8]
Variation = Callable[[Picture, np.random.Generator], Picture]


def rng(number: int = 0) -> np.random.Generator:
    return np.random.default_rng(number)


def picture() -> Picture:
    blocks = rng(5).integers(40, 216, (6, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(blocks, (64, 48), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("vary", [recoloured, contrasted, gradient_mapped, flattened, degraded])
def test_a_variation_is_a_new_picture_that_depends_on_the_generator_alone(
    vary: Variation,
) -> None:
    original = picture()

    one, again, other = vary(original, rng(1)), vary(original, rng(1)), vary(original, rng(2))

    assert one.shape == original.shape
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(original, picture())


def test_recolouring_turns_hues_all_round_and_keeps_lightness() -> None:
    red = np.full((8, 8, 3), (40, 40, 200), np.uint8)
    made = [recoloured(red, rng(number))[0, 0] for number in range(200)]

    assert {int(np.argmax(colour)) for colour in made} == {0, 1, 2}
    lightness = [(int(colour.max()) + int(colour.min())) / 2 for colour in made]
    assert max(abs(value - 120) for value in lightness) <= 2


def test_recolouring_turns_all_hues_of_a_picture_alike() -> None:
    two = np.full((8, 8, 3), (40, 40, 200), np.uint8)
    two[4:] = (200, 40, 40)

    made = cv2.cvtColor(recoloured(two, rng(3)), cv2.COLOR_BGR2HLS_FULL)[..., 0].astype(int)

    assert (made[7, 0] - made[0, 0]) % 256 == pytest.approx(171, abs=3)


def test_grey_stays_grey() -> None:
    grey = np.full((8, 8, 3), 90, np.uint8)

    assert np.array_equal(recoloured(grey, rng()), grey)


def test_degrading_is_what_a_camera_does_and_no_more() -> None:
    original = picture()
    ratios = [cv2.PSNR(original, degraded(original, rng(number))) for number in range(40)]

    assert min(ratios) > 22
    assert max(ratios) < 50


def test_contrast_spreads_tones_about_their_mean_or_draws_them_together() -> None:
    original = picture()

    deviations = [float(contrasted(original, rng(number)).std()) for number in range(60)]

    assert min(deviations) < 0.8 * original.std() < 1.3 * original.std() < max(deviations)


def test_a_flattened_picture_has_few_tones_in_their_order_at_any_brightness() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (1, 1, 3))

    made = [flattened(ramp, rng(number))[0, :, 0].astype(int) for number in range(60)]

    spreads = [np.ptp(one) for one in made]
    assert 20 < min(spreads) < 40
    assert 120 < max(spreads) < 160
    assert all((np.diff(one) >= 0).all() for one in made)
    assert min(one.max() for one in made) < 90
    assert max(one.min() for one in made) > 165


def test_a_gradient_map_gives_each_tone_one_colour() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (8, 1, 3))

    for number in range(20):
        made = gradient_mapped(ramp, rng(number))
        assert (made == made[:1]).all()


def test_gradient_maps_bring_colours_that_a_grey_picture_lacks() -> None:
    grey = np.asarray(cv2.cvtColor(picture()[..., 1], cv2.COLOR_GRAY2BGR), np.uint8)

    spreads = [np.ptp(gradient_mapped(grey, rng(number)), axis=2).mean() for number in range(20)]

    assert np.median(spreads) > 30


def test_a_redrawn_picture_is_a_pattern_of_its_size() -> None:
    painting = np.full((96, 96, 3), 90, np.uint8)

    made = redrawn(painting, rng(1))

    assert np.array_equal(made, drawn_pattern(96, rng(1)))
    assert (painting == 90).all()


def test_shares_of_nothing_leave_a_painting_and_draw_no_number() -> None:
    painting, drawn = picture(), rng(1)

    assert varied(painting, drawn, dict.fromkeys(STYLE_VARIATIONS, 0.0)) is painting
    assert drawn.random() == rng(1).random()
