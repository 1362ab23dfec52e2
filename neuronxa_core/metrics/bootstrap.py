"""Confidence intervals of scores: the bootstrap over the per-pair outcomes of the full matrix.

Pairs are never resampled and rescored: a sentence drawn twice ties with itself and loses, and a smaller sample has
fewer distractors and wins more often.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95


@lru_cache(maxsize=6)
def _draws(pairs: int) -> NDArray[np.float64]:
    """(pairs, resamples): number of times each pair is drawn."""
    counts = np.random.default_rng(0).multinomial(pairs, np.full(pairs, 1 / pairs), size=RESAMPLES)
    return np.ascontiguousarray(counts.T.astype(np.float64))


def bootstrap_interval(outcomes: NDArray[np.floating] | NDArray[np.bool_]) -> NDArray[np.float64]:
    """95 percent percentile interval of the mean over pairs, (..., 2), from 2,000 resamples with a fixed seed.

    outcomes: (..., pairs), 0 or 1, or a pair's mean over layers. All rows share the same resampled pairs.
    A row that is all 0 or all 1 has an interval of width 0.
    Source: Efron 1979, doi:10.1214/aos/1176344552.
    """
    return percentile_interval(resampled_means(outcomes))


def resampled_means(outcomes: NDArray[np.floating] | NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean of each of the 2,000 resamples, (..., resamples); all rows share the same draws.

    outcomes: (..., pairs). For what is derived from several means at once, see percentile_interval.
    """
    pairs = outcomes.shape[-1]
    return np.asarray(outcomes.astype(np.float64) @ _draws(pairs) / pairs)


def percentile_interval(resampled: NDArray[np.floating]) -> NDArray[np.float64]:
    """95 percent percentile interval of a statistic, (..., 2), from its value in every resample, (..., resamples)."""
    tail = (1 - CONFIDENCE) / 2
    return np.moveaxis(np.quantile(resampled, [tail, 1 - tail], axis=-1), 0, -1)


def simultaneous_interval(outcomes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Intervals of several means that all hold together in 95 percent of the resamples, (rows, 2).

    Each is the mean plus and minus the same multiple of its standard deviation over the resamples: the 95th percentile
    of the largest deviation of any row. With one row it is about that row's own interval; a row that does not vary has
    width 0. outcomes: (rows, pairs). Source: Romano and Wolf 2005, doi:10.1198/016214504000000539.
    """
    means, resampled = outcomes.astype(np.float64).mean(axis=-1), resampled_means(outcomes)
    spread = resampled.std(axis=-1)
    varies = spread > 1e-12
    apart = np.abs(resampled[varies] - means[varies, None]) / spread[varies, None]
    reach = np.quantile(apart.max(axis=0), CONFIDENCE) if varies.any() else 0.0
    around = reach * np.where(varies, spread, 0.0)
    return np.stack([means - around, means + around], axis=-1)


def agreement_bound(pairs: int) -> float:
    """Lower end of the exact 95 percent interval of a share of which all pairs count, in [0, 1); its upper end is 1.

    By symmetry 1 minus this is the upper end where none counts. The bootstrap has no width there.
    Source: Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    return float(((1 - CONFIDENCE) / 2) ** (1 / pairs))
