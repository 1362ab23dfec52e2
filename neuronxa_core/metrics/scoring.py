"""Weak alignment: who finds whom. Everything here reads a similarity matrix; row = source, column = target.

Pair i is found from the source if c_ii beats its whole row, and from the target if it beats its whole column; it counts
as aligned if both hold. Ties lose, so a collapsed space scores 0.
Source: Huang et al. 2025, arXiv:2507.14900; Kargaran et al. 2025, arXiv:2410.05873.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Outcomes(NamedTuple):
    """Per pair whether it is found, both (pairs,) bool; stacked over layers, (layers, pairs)."""

    source_to_target: NDArray[np.bool_]
    target_to_source: NDArray[np.bool_]

    @property
    def mutual(self) -> NDArray[np.bool_]:
        """The pairs that count: each other's only nearest neighbour."""
        return self.source_to_target & self.target_to_source


def pair_outcomes(similarity: NDArray[np.floating]) -> Outcomes:
    """Which pairs are found in each direction.

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


def mutual_nearest_rate(similarity: NDArray[np.floating]) -> float:
    """mu(C), the share of pairs that are each other's only nearest neighbour, in [0, 1]. Raises as pair_outcomes."""
    return float(pair_outcomes(similarity).mutual.mean())


def chance_rate(pairs: int) -> float:
    """What mu is for a random matrix: c_ii must be the largest of its 2n - 1 entries, 1 / (2n - 1)."""
    return 1 / (2 * pairs - 1)
