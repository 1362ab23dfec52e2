"""Intervals of a mean over languages and pairs, when both are a sample: the pigeonhole bootstrap."""

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.bootstrap import RESAMPLES, resampled_means


def crossed_means(values: NDArray[np.floating] | NDArray[np.bool_], seed: int = 0) -> NDArray[np.float64]:
    """The mean over languages and pairs in each of 2,000 resamples that draw both, (..., resamples).

    values: (..., languages, pairs). The draws of pairs are those of `resampled_means`, so that groups of languages with
    the same pairs share them; the draws of languages follow the seed, one for each group. A little wider than needed.
    Source: Owen 2007, doi:10.1214/07-AOAS122.
    """
    languages = values.shape[-2]
    counts = np.random.default_rng(seed).multinomial(languages, np.full(languages, 1 / languages), size=RESAMPLES)
    return np.asarray(np.einsum("...lr,rl->...r", resampled_means(values), counts.astype(np.float64)) / languages)
