"""Means over pairs, and how sure they are."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLINGS = 2000
TAILS = (2.5, 97.5)  # percentiles

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its 95 % confidence interval, by the percentile bootstrap over pairs."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def mean_estimate(values: Values, seed: int = 0) -> Estimate:
    """The mean of `(N,)` values, one a pair."""
    return ratio_estimate(values, np.ones_like(values), seed)


def ratio_estimate(values: Values, reference: Values, seed: int = 0) -> Estimate:
    """Mean of `(N,)` values by mean of a reference, pairs drawn anew for both together."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(values), size=(RESAMPLINGS, len(values)))
    ratios = values[drawn].mean(1) / reference[drawn].mean(1)
    low, high = np.percentile(ratios, TAILS)
    value = values.mean() / reference.mean()
    return Estimate(value=float(value), low=float(low), high=float(high))
