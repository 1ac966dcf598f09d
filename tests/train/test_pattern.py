import numpy as np
import numpy.typing as npt
import pytest

from hsi.train.pattern import drawn_pattern


def drawn(number: int, side: int = 96) -> npt.NDArray[np.uint8]:
    return drawn_pattern(side, np.random.default_rng(number))


@pytest.mark.parametrize("side", [64, 256])
def test_a_pattern_is_a_picture_that_depends_on_the_generator_alone(side: int) -> None:
    one, again, other = drawn(1, side), drawn(1, side), drawn(2, side)

    assert one.shape == (side, side, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_hardly_a_pattern_is_blank() -> None:
    deviations = [drawn(number).std((0, 1)).max() for number in range(100)]

    assert sum(deviation < 5 for deviation in deviations) <= 5


def test_patterns_have_harder_contrasts_than_paintings_do() -> None:
    lightness = [drawn(number).mean(2) for number in range(100)]

    # Of a painting's lightness the deviation is 50 or so.
    assert sum(light.std() > 60 for light in lightness) > 20


def test_patterns_are_muted_and_loud_dark_and_light() -> None:
    patterns = [drawn(number).astype(int) for number in range(100)]
    colour = [np.ptp(pattern, axis=2).mean() for pattern in patterns]
    light = [pattern.mean() for pattern in patterns]

    assert min(colour) < 15 < 90 < max(colour)
    assert min(light) < 60 < 190 < max(light)


def test_marks_are_fine_and_coarse() -> None:
    def fine(pattern: npt.NDArray[np.uint8]) -> float:
        steps = np.abs(np.diff(pattern.astype(int), axis=1))
        return float((steps > 30).any(2).mean())

    shares = [fine(drawn(number, 128)) for number in range(60)]

    assert min(shares) < 0.05 < 0.3 < max(shares)
