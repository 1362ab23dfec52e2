"""How far a score would move with other sentences: the bootstrap over the per-pair outcomes of the full matrix.

Pairs are never resampled and scored again: a sentence drawn twice ties with itself and loses, and a smaller sample has
fewer rivals and wins more.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95


@lru_cache(maxsize=6)
def _draws(pairs: int) -> NDArray[np.float64]:
    """(pairs, resamples): how often each pair is drawn."""
    counts = np.random.default_rng(0).multinomial(pairs, np.full(pairs, 1 / pairs), size=RESAMPLES)
    return np.ascontiguousarray(counts.T.astype(np.float64))


def bootstrap_interval(outcomes: NDArray[np.floating] | NDArray[np.bool_]) -> NDArray[np.float64]:
    """The percentile interval of the mean over pairs, 95 percent, from 2,000 resamples with a fixed seed.

    outcomes: (..., pairs), 0 or 1, or a pair's mean over layers; all leading rows share the resampled pairs.
    Returns (..., 2), low and high. A row that is all 0 or all 1 has an interval without width.
    Source: Efron 1979, doi:10.1214/aos/1176344552.
    """
    pairs = outcomes.shape[-1]
    means = outcomes.astype(np.float64) @ _draws(pairs) / pairs  # (..., resamples)
    tail = (1 - CONFIDENCE) / 2
    return np.moveaxis(np.quantile(means, [tail, 1 - tail], axis=-1), 0, -1)
