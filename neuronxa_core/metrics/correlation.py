"""Correlation of alignment with accuracy over languages: Pearson and Spearman, with bootstrap intervals."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.bootstrap import CONFIDENCE

FEWEST = 6
"""Minimum number of languages for a coefficient."""
RESAMPLES = 2000
Vector = NDArray[np.float64]


class Correlation(NamedTuple):
    """A coefficient with its 95 percent interval; all NaN for fewer than FEWEST languages or a constant side."""

    value: float
    low: float
    high: float


def pearson(x: Vector, y: Vector) -> NDArray[np.float64]:
    """Pearson's r along the last axis, NaN where one side is constant. x, y: (..., languages)."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 1e-15, (x * y).sum(axis=-1) / np.where(scale > 1e-15, scale, 1), np.nan)


def spearman(x: Vector, y: Vector) -> NDArray[np.float64]:
    """Spearman's rho along the last axis: Pearson's r of the ranks, ties sharing their mean rank."""
    from scipy.stats import rankdata

    return pearson(rankdata(x, axis=-1), rankdata(y, axis=-1))


METHODS: Mapping[str, Callable[[Vector, Vector], NDArray[np.float64]]] = {"pearson": pearson, "spearman": spearman}


def correlation(x: Vector, y: Vector, method: str = "pearson") -> Correlation:
    """The coefficient with the percentile interval from 2,000 resamples of the languages, with a fixed seed.

    x, y: (languages,). Resamples with a constant side are dropped.
    """
    if len(x) < FEWEST:
        return Correlation(np.nan, np.nan, np.nan)
    of, draws = METHODS[method], _draws(len(x))
    return Correlation(float(of(x, y)), *_interval(of(x[draws], y[draws])))


def difference(x: Vector, other: Vector, y: Vector, method: str = "pearson") -> Correlation:
    """Coefficient of x with y minus that of `other` with y, with an interval from the same resamples."""
    if len(x) < FEWEST:
        return Correlation(np.nan, np.nan, np.nan)
    of, draws = METHODS[method], _draws(len(x))
    apart = of(x[draws], y[draws]) - of(other[draws], y[draws])
    return Correlation(float(of(x, y) - of(other, y)), *_interval(apart))


def fit_line(x: Vector, y: Vector) -> tuple[float, float]:
    """(slope, intercept) of least squares; NaN if x is constant or has fewer than two values."""
    if len(x) < 2 or np.ptp(x) == 0:
        return np.nan, np.nan
    slope, intercept = np.polyfit(x, y, 1)
    return float(slope), float(intercept)


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if not len(values):
        return np.nan, np.nan
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


@lru_cache(maxsize=8)
def _draws(languages: int) -> NDArray[np.int64]:
    """(resamples, languages): indices of the languages in each resample."""
    return np.random.default_rng(0).integers(0, languages, size=(RESAMPLES, languages))
