import numpy as np
import numpy.typing as npt
import pytest

from hsi.evaluate.measures import Scores
from hsi.evaluate.score_table import ScoreTable


def table(values: npt.NDArray[np.float64]) -> ScoreTable:
    styles, contents, _ = values.shape
    return ScoreTable(
        method="model.hsi",
        styles=tuple(f"s{n}" for n in range(styles)),
        contents=tuple(f"c{n}" for n in range(contents)),
        values=values,
    )


def test_means_are_over_pairs_and_over_the_pairs_of_a_style() -> None:
    made = table(np.arange(24.0).reshape(2, 3, 4))

    assert made.mean() == Scores(content_loss=10, style_loss=11, ssim=12, vgg_distance=13)
    assert made.style_mean(1).content_loss == 16
    assert made.scores(1, 2) == Scores(content_loss=20, style_loss=21, ssim=22, vgg_distance=23)


def test_a_plain_standard_error_is_the_deviation_over_pairs_by_the_root_of_their_number() -> None:
    values = np.random.default_rng(0).random((3, 4, 4))

    error = table(values).standard_error(0)

    assert error is not None
    assert error.ssim == pytest.approx(values[..., 2].std(ddof=1) / 12**0.5)


def test_the_bootstrap_tells_a_few_styles_from_many_pairs() -> None:
    # Scores depend on the style alone: sixty pairs tell no more than three styles do.
    values = np.broadcast_to(np.arange(3.0)[:, None, None], (3, 20, 4)).copy()

    plain, drawn = (table(values).standard_error(times) for times in (0, 5000))

    assert plain is not None
    assert drawn is not None
    assert plain.style_loss == pytest.approx(0.106, abs=0.001)
    assert drawn.style_loss == pytest.approx(values[:, 0, 0].std() / 3**0.5, rel=0.05)


def test_the_bootstrap_is_the_same_for_the_same_seed() -> None:
    made = table(np.random.default_rng(0).random((3, 4, 4)))

    assert made.standard_error(100, seed=1) == made.standard_error(100, seed=1)
    assert made.standard_error(100, seed=1) != made.standard_error(100, seed=2)


def test_one_pair_has_no_standard_error() -> None:
    assert table(np.ones((1, 1, 4))).standard_error(2000) is None


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"model\.hsi: expected finite scores \(1, 1, 4\), found"):
        table(np.full((1, 1, 4), np.nan))
