"""Measures of a similarity matrix and its vector space: margins, ranks, rivals, anisotropy, hubness, rank.

A pair's own similarity is c_ii. Its rivals are the other entries of its row (source to target) and of its column
(target to source).
"""

import numpy as np
from numpy.typing import NDArray

_BLOCK = 2048
"""Vectors at a time, where there are more of them than dimensions."""


def margins(similarity: NDArray[np.floating]) -> NDArray[np.float64]:
    """c_ii minus the best rival in its row or column, (pairs,), in [-2, 2]; above 0 exactly where a pair is aligned."""
    rivals = _without_diagonal(similarity)
    best = np.maximum(rivals.max(axis=1), rivals.max(axis=0))
    margin: NDArray[np.float64] = similarity.diagonal() - best
    return margin


def ranks(similarity: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rank in the row, rank in the column) of each translation, both (pairs,); 1 is best, ties get the worst rank."""
    own = similarity.diagonal()
    row = (similarity >= own[:, None]).sum(axis=1)
    column = (similarity >= own[None, :]).sum(axis=0)
    return row.astype(np.int64), column.astype(np.int64)


def cell_rivals(similarity: NDArray[np.floating], row: int, column: int, count: int = 5) -> tuple[list[int], list[int]]:
    """(columns in the row, rows in the column) of a cell's strongest rivals, best first."""
    return rivals_in(similarity[row], column, count), rivals_in(similarity[:, column], row, count)


def rivals_in(line: NDArray[np.floating], own: int, count: int = 5) -> list[int]:
    """The places of the highest entries of a row or column but its own, best first."""
    order = np.argsort(-line, kind="stable")
    return order[order != own][:count].tolist()  # type: ignore[no-any-return]


def anisotropy(similarity: NDArray[np.floating]) -> float:
    """Mean cosine of sentences that are not translations of each other, in [-1, 1]; 0 in an isotropic space.

    Source: Ethayarajh 2019, arXiv:1909.00512; here between two languages.
    """
    pairs = len(similarity)
    return float((similarity.sum() - similarity.trace()) / (pairs * (pairs - 1)))


def hubness(similarity: NDArray[np.floating]) -> float:
    """Skewness of the nearest-neighbour counts, mean of both directions; 0 if all are equal, without an upper bound.

    Source: Radovanovic et al. 2010, JMLR 11; here with k = 1.
    """
    pairs = len(similarity)
    return hit_skew(*(np.bincount(similarity.argmax(axis=axis), minlength=pairs) for axis in (1, 0)))


def hit_skew(row_hits: NDArray[np.int64], column_hits: NDArray[np.int64]) -> float:
    """hubness from how often each sentence is the nearest of another, (pairs,) for each direction."""
    return float(np.mean([_skew(row_hits), _skew(column_hits)]))


def _skew(counts: NDArray[np.int64]) -> float:
    """Third standardised moment; 0 for constant counts."""
    deviation = counts - counts.mean()
    spread = deviation.std()
    return float((deviation**3).mean() / spread**3) if spread > 0 else 0.0


def effective_rank(vectors: NDArray[np.floating]) -> float:
    """exp of the entropy of the normalised singular values, in [1, min(sentences, dim)].

    vectors: (sentences, dim), not centred. Source: Roy and Vetterli 2007, EUSIPCO.
    """
    if vectors.shape[0] <= vectors.shape[1]:
        gram = vectors.astype(np.float64)
        gram = gram @ gram.T
    else:
        blocks = (vectors[start : start + _BLOCK].astype(np.float64) for start in range(0, len(vectors), _BLOCK))
        gram = np.zeros((vectors.shape[1],) * 2)
        for block in blocks:
            gram += block.T @ block
    singular = np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0, None))
    share = singular[singular > 0] / singular.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def _without_diagonal(similarity: NDArray[np.floating]) -> NDArray[np.floating]:
    rivals = similarity.copy()
    np.fill_diagonal(rivals, -np.inf)
    return rivals
