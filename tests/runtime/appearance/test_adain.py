import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime.appearance import adain

Array = npt.NDArray[np.float32]


@pytest.fixture
def latents() -> tuple[Array, Array]:
    made = np.random.default_rng(0).standard_normal((2, 1, 4, 16, 16), np.float32)
    return made[0], 3 * made[1] - 2


@pytest.fixture
def masks() -> tuple[Array, Array]:
    first, second = np.zeros((2, 1, 16, 16), np.float32)
    first[:, 2:9, 3:12] = 1
    second[:, 5:, 5:] = 1
    return first, second


def test_inside_are_the_styles_statistics_and_outside_is_nothing_changed(
    latents: tuple[Array, Array], masks: tuple[Array, Array]
) -> None:
    found = adain(*latents, *masks)

    inside, styled = found[0][:, masks[0][0] == 1], latents[1][0][:, masks[1][0] == 1]
    assert inside.mean(axis=1) == pytest.approx(styled.mean(axis=1), abs=1e-4)
    assert inside.std(axis=1, ddof=1) == pytest.approx(styled.std(axis=1, ddof=1), abs=1e-4)
    outside = masks[0][0] == 0
    assert (found[0][:, outside] == latents[0][0][:, outside]).all()


def test_it_is_its_formula_in_float64(
    latents: tuple[Array, Array], masks: tuple[Array, Array]
) -> None:
    content, style = (x[0].astype(np.float64) for x in latents)
    mask, style_mask = (m[0] for m in masks)
    wanted = content.copy()
    for channel in range(4):
        x, y = content[channel][mask == 1], style[channel][style_mask == 1]
        deviation = np.sqrt(x.var(ddof=1) + 1e-5)
        target = np.sqrt(y.var(ddof=1) + 1e-5)
        wanted[channel][mask == 1] = (x - x.mean()) / deviation * target + y.mean()

    assert abs(adain(*latents, *masks)[0] - wanted).max() < 1e-5


@pytest.mark.parametrize("side", [0, 1])
def test_an_empty_mask_falls_back_to_the_whole_picture(
    latents: tuple[Array, Array], masks: tuple[Array, Array], side: int
) -> None:
    broken = [m.copy() for m in masks]
    broken[side][:] = 0
    ones = np.ones_like(masks[0])

    found = adain(*latents, *broken)

    assert np.isfinite(found).all()
    assert (found == adain(*latents, ones, ones)).all()


def test_each_picture_of_a_batch_is_on_its_own(
    latents: tuple[Array, Array], masks: tuple[Array, Array]
) -> None:
    one = adain(*latents, *masks)

    twice = (np.repeat(m, 2, axis=0) for m in masks)
    two = adain(*(np.concatenate([x, 7 * x]) for x in latents), *twice)

    assert (two[:1] == one).all()
    assert abs(two[1:] - one).max() > 1
