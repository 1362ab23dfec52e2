"""How well a linear classifier tells the sentences of two languages apart, cross-validated over pairs.

The classifier is ridge regression on the labels 1 (source) and -1 (target), solved in its dual form from the n x n
matrix of inner products, or, where sentences outnumber neurons, in its primal form, which is the same.
Source: Hoerl and Kennard 1970, doi:10.1080/00401706.1970.10488634; the dual: Saunders et al. 1998, ICML.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.estimate import Estimate, jackknifed
from neuronxa_core.metrics.similarity import unit_vectors

FOLDS = 5
PENALTY = 0.01
"""The ridge penalty as a share of the mean squared length of the centred training vectors."""
_TIE = 1e-9
_NONE = 1e-14
"""Penalty up to which the training vectors, which have length 1, differ only by rounding."""


def decision_values(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """What the classifier says of each sentence, trained without its pair, (2, pairs); above 0 is the source language.

    source, target: (pairs, dim), row i of one translates row i of the other; at least 2 pairs. Vectors are scaled to
    length 1, as for the cosines, so that length alone does not separate. Five folds of consecutive pairs, or one per
    pair if there are fewer; both halves of a pair are in the same fold, so that no sentence is told by its translation.
    """
    folds = np.array_split(np.arange(len(source)), min(FOLDS, len(source)))
    solve = _dual if 2 * (len(source) - len(folds[0])) <= source.shape[1] else _primal
    return solve(unit_vectors(source), unit_vectors(target), folds)


def _dual(
    source: NDArray[np.float64], target: NDArray[np.float64], folds: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """decision_values of unit vectors, from the inner products of all sentences."""
    pairs = len(source)
    vectors = np.concatenate([source, target])
    products = vectors @ vectors.T
    labels = np.repeat([1.0, -1.0], pairs)
    values = np.empty(2 * pairs)
    for fold in folds:
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


def _primal(
    source: NDArray[np.float64], target: NDArray[np.float64], folds: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """The same from the inner products of all neurons, which are summed over the folds that a fold is not in."""
    pairs = len(source)
    sides = (source, target)
    grams = [sum(each[fold].T @ each[fold] for each in sides) for fold in folds]
    sums = [np.stack([each[fold].sum(axis=0) for each in sides]) for fold in folds]
    gram, total = sum(grams), sum(sums)
    values = np.empty((2, pairs))
    for fold, without, less in zip(folds, grams, sums, strict=True):
        count, (ours, theirs) = 2 * (pairs - len(fold)), total - less
        mean = (ours + theirs) / count
        centred = gram - without - count * np.outer(mean, mean)
        penalty = PENALTY * np.trace(centred) / count
        weights = np.zeros_like(mean)
        if penalty > _NONE:  # else all training vectors are the same
            weights = np.linalg.solve(centred + penalty * np.eye(len(mean)), ours - theirs)
        for side, each in enumerate(sides):
            values[side, fold] = (each[fold] - mean) @ weights
    return values


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
