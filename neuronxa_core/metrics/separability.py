"""How well a linear classifier tells the sentences of two languages apart, cross-validated over pairs.

The classifier is ridge regression on the labels 1 (source) and -1 (target), solved in its dual form from the n x n
matrix of inner products, so that the number of neurons hardly matters. Source: Hoerl and Kennard 1970,
doi:10.1080/00401706.1970.10488634; the dual: Saunders et al. 1998, ICML.
"""

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.estimate import Estimate, jackknifed
from neuronxa_core.metrics.similarity import unit_vectors

FOLDS = 5
PENALTY = 0.01
"""The ridge penalty as a share of the mean squared length of the centred training vectors."""
_TIE = 1e-9


def decision_values(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """What the classifier says of each sentence, trained without its pair, (2, pairs); above 0 is the source language.

    source, target: (pairs, dim), row i of one translates row i of the other; at least 2 pairs. Vectors are scaled to
    length 1, as for the cosines, so that length alone does not separate. Five folds of consecutive pairs, or one per
    pair if there are fewer; both halves of a pair are in the same fold, so that no sentence is told by its translation.
    """
    pairs = len(source)
    vectors = np.concatenate([unit_vectors(source), unit_vectors(target)])
    products = vectors @ vectors.T
    labels = np.repeat([1.0, -1.0], pairs)
    values = np.empty(2 * pairs)
    for fold in np.array_split(np.arange(pairs), min(FOLDS, pairs)):
        tested = np.concatenate([fold, fold + pairs])
        trained = np.setdiff1d(np.arange(2 * pairs), tested)
        values[tested] = _predicted(
            products[np.ix_(trained, trained)], products[np.ix_(tested, trained)], labels[trained]
        )
    return values.reshape(2, pairs)


def _predicted(
    trained: NDArray[np.float64], tested: NDArray[np.float64], labels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Ridge regression with an intercept, in the dual. trained: inner products of the training vectors with each other;
    tested: of the tested vectors with them. The labels have mean 0."""
    mean = trained.mean(axis=0)
    centred = trained - mean - mean[:, None] + mean.mean()
    penalty = PENALTY * np.trace(centred) / len(labels)
    if penalty <= 0:  # all training vectors are the same
        return np.zeros(len(tested))
    weights = np.linalg.solve(centred + penalty * np.eye(len(labels)), labels)
    from_mean = tested - tested.mean(axis=1, keepdims=True) - mean + mean.mean()
    said: NDArray[np.float64] = from_mean @ weights
    return said


def separability(values: NDArray[np.floating]) -> Estimate:
    """Share of sentences told apart, in [0, 1]; chance is 0.5, which identical sentences on both sides give exactly.

    values: (2, pairs), see decision_values. A pair contributes 0, 0.5 or 1; a value of 0 counts half.
    The interval takes the classifiers as they are: it covers the pairs, not how else they could have been trained.
    """
    own = values * np.array([[1.0], [-1.0]])
    right = np.where(np.abs(own) < _TIE, 0.5, own > 0).mean(axis=0)
    return Estimate(float(right.mean()), right, (0.0, 1.0))


def discriminability(values: NDArray[np.floating]) -> Estimate:
    """d', by how many standard deviations the decision values of the two languages differ; 0 if not at all.

    Difference of their means over the root of the mean of their variances. It still grows where every sentence is told
    apart. NaN for fewer than 2 pairs or values that do not vary; its interval needs 3 pairs.
    values: (2, pairs), see decision_values. Source: Green and Swets 1966, Signal Detection Theory and Psychophysics.
    """
    pairs = values.shape[1]
    sums, squares = values.sum(axis=1), (values**2).sum(axis=1)
    whole = _apart(sums, squares, pairs)
    without = _apart(sums[:, None] - values, squares[:, None] - values**2, pairs - 1)
    return jackknifed(float(whole), np.asarray(without))


def _apart(sums: NDArray[np.float64], squares: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """d' from the sum and the sum of squares of both languages' values, (2, ...). count: of values per language."""
    if count < 2:
        return np.full(sums.shape[1:], np.nan)
    means = sums / count
    variance = ((squares - count * means**2) / (count - 1)).mean(axis=0)
    apart = means[0] - means[1]
    spread = np.sqrt(np.where(variance > _TIE**2, variance, np.nan))
    found: NDArray[np.float64] = np.where(np.abs(apart) < _TIE, 0.0, apart / spread)
    return found
