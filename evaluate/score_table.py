"""Scores of all pairs of one method, and what they come to."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi.evaluate.measures import Scores

MEASURES = tuple(field.name for field in fields(Scores))
BASELINE = "the content picture itself"


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreTable:
    """One method by every pair."""

    method: str
    styles: tuple[str, ...]  # names, S of them
    contents: tuple[str, ...]  # names, C of them
    values: npt.NDArray[np.float64]  # (S, C, 4), in the order of MEASURES

    def __post_init__(self) -> None:
        wanted = (len(self.styles), len(self.contents), len(MEASURES))
        if self.values.shape != wanted or not np.isfinite(self.values).all():
            raise ValueError(
                f"{self.method}: expected finite scores {wanted}, found {self.values.shape}"
            )

    def scores(self, style: int, content: int) -> Scores:
        """Those of one pair, by the places of its pictures."""
        return _scores(self.values[style, content])

    def mean(self) -> Scores:
        """Mean over all pairs."""
        return _scores(self.values.mean((0, 1)))

    def style_mean(self, style: int) -> Scores:
        """Mean over the pairs of one style, by its place."""
        return _scores(self.values[style].mean(0))

    def standard_error(self, resamplings: int, seed: int = 0) -> Scores | None:
        """Standard error of the mean.

        Two pairs of one style, or of one content picture, are not independent: so both the styles
        and the content pictures are drawn anew, with replacement (the pigeonhole bootstrap, Owen
        2007, arXiv 0712.1111), and the deviation of the means is taken. It errs on the large side.

        Args:
            resamplings: How many; 0 for the deviation over pairs by the root of their number.
            seed: Of the draws: the same one gives the same errors.

        Returns:
            None for a single pair, which tells nothing of others.
        """
        styles, contents, _ = self.values.shape
        if styles * contents == 1:
            return None
        if resamplings == 0:
            flat = self.values.reshape(styles * contents, -1)
            return _scores(flat.std(0, ddof=1) / np.sqrt(len(flat)))
        rng = np.random.default_rng(seed)
        of_styles = _shares(rng, styles, resamplings)
        of_contents = _shares(rng, contents, resamplings)
        means = np.einsum("rs,scm,rc->rm", of_styles, self.values, of_contents, optimize=True)
        return _scores(means.std(0, ddof=1))

    def to_dict(self, resamplings: int, seed: int) -> dict[str, Any]:
        """Plain values for JSON."""
        error = self.standard_error(resamplings, seed)
        return {
            "method": self.method,
            "mean": vars(self.mean()),
            "standard_error": None if error is None else vars(error),
            "per_style": [
                {"style": name, **vars(self.style_mean(s))} for s, name in enumerate(self.styles)
            ],
            "pairs": [
                {"content": content, "style": style, **vars(self.scores(s, c))}
                for s, style in enumerate(self.styles)
                for c, content in enumerate(self.contents)
            ],
        }


def _scores(values: npt.NDArray[np.float64]) -> Scores:
    return Scores(**dict(zip(MEASURES, map(float, values), strict=True)))


def _shares(rng: np.random.Generator, count: int, times: int) -> npt.NDArray[np.float64]:
    """How often each of ``count`` is drawn, as a share: `(times, count)`."""
    return rng.multinomial(count, np.full(count, 1 / count), size=times) / count
