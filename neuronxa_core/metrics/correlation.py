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
_NORMAL = 1.959963984540054
"""97.5th percentile of the normal distribution."""
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
    return _correlation(*(np.asarray(side, dtype=np.float64).tobytes() for side in (x, y)), method)


@lru_cache(maxsize=2048)
def _correlation(x_bytes: bytes, y_bytes: bytes, method: str) -> Correlation:
    """The coefficient with its interval, kept: a page asks for those of all layers whenever it is drawn anew."""
    x, y = np.frombuffer(x_bytes), np.frombuffer(y_bytes)
    of, draws = METHODS[method], _draws(len(x))
    return Correlation(float(of(x, y)), *_interval(of(x[draws], y[draws])))


def difference(x: Vector, other: Vector, y: Vector, method: str = "pearson") -> Correlation:
    """Coefficient of x with y minus that of `other` with y, with an interval from the same resamples."""
    if len(x) < FEWEST:
        return Correlation(np.nan, np.nan, np.nan)
    of, draws = METHODS[method], _draws(len(x))
    apart = of(x[draws], y[draws]) - of(other[draws], y[draws])
    return Correlation(float(of(x, y) - of(other, y)), *_interval(apart))


def fisher_interval(value: float, languages: int, method: str = "pearson") -> tuple[float, float]:
    """95 percent interval of a coefficient over so many languages by Fisher's z, within [-1, 1]; NaN for too few.

    The percentile interval shrinks to a point when a few languages lie on a line; this one does not: a coefficient of 1
    counts as the next lower one that ranks can have, 1 - 12 / (n^3 - n), and 1 is then the upper end.
    Standard error of z: sqrt(1 / (n - 3)) for Pearson, sqrt((1 + rho^2 / 2) / (n - 3)) for Spearman.
    Source: Fisher 1921; Bonett and Wright 2000, doi:10.1007/BF02294183.
    """
    if languages < FEWEST or np.isnan(value):
        return np.nan, np.nan
    most = 1 - 12 / (languages**3 - languages)
    near = float(np.clip(value, -most, most)) if abs(value) > 1 - 1e-9 else value
    error = np.sqrt((1 + (near**2 / 2 if method == "spearman" else 0)) / (languages - 3))
    low, high = np.tanh(np.arctanh(near) + _NORMAL * error * np.array([-1, 1]))
    return float(min(low, value)), float(max(high, value))


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
