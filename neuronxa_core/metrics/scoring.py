"""Weak alignment, from a similarity matrix; row = source, column = target.

Pair i is found from the source if c_ii exceeds the rest of its row, and from the target if it exceeds the rest of its
column; it is aligned if both hold. A tie is a miss, so a collapsed space scores 0.
Source: Huang et al. 2025, arXiv:2507.14900; Kargaran et al. 2025, arXiv:2410.05873.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.similarity import rounded_cosines, unit_vectors


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


_CELLS = 2**23
"""Cells of the matrix that are in memory at a time, 64 MB: as fast as all of them."""


def retrieval(source: NDArray[np.floating], target: NDArray[np.floating], block: int = 0) -> Outcomes:
    """pair_outcomes(cosine_similarity(source, target)), without ever holding the matrix.

    source, target: (pairs, dim), row i of one translates row i of the other. block: rows of the matrix at a time, by
    default as many as have `_CELLS` cells. Raises like pair_outcomes.
    """
    pairs = len(source)
    if len(target) != pairs or pairs < 2:
        raise ValueError(f"expected at least 2 pairs, got {pairs} source and {len(target)} target vectors")
    own, best_of_row, best_of_column = np.empty(pairs), np.empty(pairs), np.full(pairs, -np.inf)
    units, block = unit_vectors(target), block or max(1, _CELLS // pairs)
    for start in range(0, pairs, block):
        rows = np.arange(start, min(start + block, pairs))
        cosines = rounded_cosines(unit_vectors(source[rows[0] : rows[-1] + 1]), units)
        if np.isnan(cosines).any():
            raise ValueError("the similarity matrix contains NaN")
        own[rows] = cosines[rows - start, rows]
        cosines[rows - start, rows] = -np.inf
        best_of_row[rows] = cosines.max(axis=1)
        np.maximum(best_of_column, cosines.max(axis=0), out=best_of_column)
    return Outcomes(own > best_of_row, own > best_of_column)


def mutual_nearest_rate(similarity: NDArray[np.floating]) -> float:
    """mu(C), the share of pairs that are each other's only nearest neighbour, in [0, 1]. Raises like pair_outcomes."""
    return float(pair_outcomes(similarity).mutual.mean())


def chance_rate(pairs: int) -> float:
    """Expected mu of a random matrix, 1 / (2n - 1): c_ii must be the largest of 2n - 1 entries."""
    return 1 / (2 * pairs - 1)
