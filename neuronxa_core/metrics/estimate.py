"""A measure of n pairs with what each pair contributes to it, from which its interval follows.

Pairs are never drawn twice into one similarity matrix, kernel or training set: a duplicate finds itself, and debiased
CKA of a resample with duplicates is biased upwards. What is resampled are the contributions, which are numbers.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.bootstrap import agreement_bound, bootstrap_interval

Vector = NDArray[np.float64]


class Estimate(NamedTuple):
    """A measure, and each pair's contribution to it.

    each: (pairs,), outcomes whose mean is the value, or the jackknife's pseudo-values, see jackknifed.
    span: what the measure can be at least and at most.
    """

    value: float
    each: Vector
    span: tuple[float, float] = (-np.inf, np.inf)

    @property
    def interval(self) -> tuple[float, float]:
        """95 percent interval, within the span; NaN where a contribution is.

        The bootstrap of the contributions' mean, moved to the value. Where all pairs have the same outcome at an end of
        [0, 1], the exact interval of a share, since a bootstrap has no width there.
        """
        if np.isnan(self.each).any() or np.isnan(self.value):
            return np.nan, np.nan
        if self.span == (0.0, 1.0) and np.ptp(self.each) == 0 and self.value in (0.0, 1.0):
            bound = agreement_bound(len(self.each))
            return (bound, 1.0) if self.value == 1 else (0.0, 1 - bound)
        low, high = np.clip(bootstrap_interval(self.each) - self.each.mean() + self.value, *self.span)
        return float(min(low, self.value)), float(max(high, self.value))


def jackknifed(value: float, left_out: Vector, span: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
    """The measure with the jackknife's pseudo-values, n v - (n - 1) v_i, as contributions.

    left_out: (pairs,), the measure without each pair. The variance of the pseudo-values' mean is the jackknife's
    variance of the measure. Source: Tukey 1958; Efron and Stein 1981, doi:10.1214/aos/1176345462.
    """
    pairs = len(left_out)
    return Estimate(value, pairs * value - (pairs - 1) * left_out, span)


def averaged(estimates: Iterable[Estimate]) -> Estimate:
    """The mean of several measures of the same pairs, such as those of all layers."""
    found = list(estimates)
    each = np.mean([estimate.each for estimate in found], axis=0)
    return Estimate(float(np.mean([estimate.value for estimate in found])), each, found[0].span)
