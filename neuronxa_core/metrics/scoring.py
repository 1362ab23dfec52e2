"""Weak alignment, from a similarity matrix; row = source, column = target.

Pair i is found from the source if c_ii exceeds the rest of its row, and from the target if it exceeds the rest of its
column; it is aligned if both hold. A tie is a miss, so a collapsed space scores 0.
Source: Huang et al. 2025, arXiv:2507.14900; Kargaran et al. 2025, arXiv:2410.05873.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.cosines import CELLS
from neuronxa_core.metrics.similarity import NEIGHBOURS, SimilarityKind, centred, rounded_cosines, unit_vectors


class Outcomes(NamedTuple):
    """Whether each pair is found, by direction: (pairs,) bool, or (layers, pairs) when stacked over layers."""

    source_to_target: NDArray[np.bool_]
    target_to_source: NDArray[np.bool_]

    @property
    def mutual(self) -> NDArray[np.bool_]:
        """The aligned pairs: those that are each other's only nearest neighbour."""
        return self.source_to_target & self.target_to_source


def pair_outcomes(similarity: NDArray[np.floating]) -> Outcomes:
    """The pairs that are found, in each direction.

    similarity: (pairs, pairs). Raises ValueError unless it is square with at least 2 pairs and free of NaN.
    """
    pairs = similarity.shape[0]
    if similarity.shape != (pairs, pairs) or pairs < 2:
        raise ValueError(f"expected a square similarity matrix of at least 2 pairs, got shape {similarity.shape}")
    if np.isnan(similarity).any():
        raise ValueError("the similarity matrix contains NaN")
    rivals = similarity.copy()
    np.fill_diagonal(rivals, -np.inf)
    own = similarity.diagonal()
    return Outcomes(own > rivals.max(axis=1), own > rivals.max(axis=0))


def retrieval(
    source: NDArray[np.floating], target: NDArray[np.floating], block: int = 0, how: SimilarityKind = "cosine"
) -> Outcomes:
    """pair_outcomes(similarity_of(source, target, how)), without ever holding the matrix.

    source, target: (pairs, dim), row i of one translates row i of the other. block: rows of the matrix at a time, by
    default as many as have CELLS cells. Raises like pair_outcomes.
    """
    pairs = len(source)
    if len(target) != pairs or pairs < 2:
        raise ValueError(f"expected at least 2 pairs, got {pairs} source and {len(target)} target vectors")
    if how.startswith("centred"):
        source, target = centred(source), centred(target)
    near = _neighbourhoods(source, target, block) if how.endswith("csls") else None
    own, best_of_row, best_of_column = np.empty(pairs), np.empty(pairs), np.full(pairs, -np.inf)
    for rows, cosines in _rows_of_cosines(source, target, block):
        if near is not None:
            cosines = np.round(2 * cosines - near[0][rows, None] - near[1], 12)
        if np.isnan(cosines).any():
            raise ValueError("the similarity matrix contains NaN")
        own[rows] = cosines[rows - rows[0], rows]
        cosines[rows - rows[0], rows] = -np.inf
        best_of_row[rows] = cosines.max(axis=1)
        np.maximum(best_of_column, cosines.max(axis=0), out=best_of_column)
    return Outcomes(own > best_of_row, own > best_of_column)


def _rows_of_cosines(
    source: NDArray[np.floating], target: NDArray[np.floating], block: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """(numbers of consecutive rows, their cosines with every target vector), block by block."""
    pairs = len(source)
    units, block = unit_vectors(target), block or max(1, CELLS // pairs)
    for start in range(0, pairs, block):
        rows = np.arange(start, min(start + block, pairs))
        yield rows, rounded_cosines(unit_vectors(source[rows[0] : rows[-1] + 1]), units)


def _neighbourhoods(
    source: NDArray[np.floating], target: NDArray[np.floating], block: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """r of CSLS for every source and every target vector, (pairs,) each, see metrics.similarity.csls."""
    pairs = len(source)
    k = min(NEIGHBOURS, pairs)
    of_rows, nearest = np.empty(pairs), np.empty((0, pairs))
    for rows, cosines in _rows_of_cosines(source, target, block):
        of_rows[rows] = np.sort(np.partition(cosines, pairs - k, axis=1)[:, -k:], axis=1).mean(axis=1)
        nearest = np.concatenate([nearest, cosines])
        nearest = np.partition(nearest, len(nearest) - k, axis=0)[-k:] if len(nearest) > k else nearest
    return of_rows, np.sort(nearest, axis=0).mean(axis=0)


def mutual_nearest_rate(similarity: NDArray[np.floating]) -> float:
    """mu(C), the share of pairs that are each other's only nearest neighbour, in [0, 1]. Raises like pair_outcomes."""
    return float(pair_outcomes(similarity).mutual.mean())


def chance_rate(pairs: int) -> float:
    """Expected mu of a random matrix, 1 / (2n - 1): c_ii must be the largest of 2n - 1 entries."""
    return 1 / (2 * pairs - 1)
