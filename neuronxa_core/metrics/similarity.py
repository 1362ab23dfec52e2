"""Similarity of two sets of sentence vectors: cosine, mean-centred, CSLS."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 12
"""Decimals of a cosine, far finer than float32 and far coarser than float64 rounding, so that equal sentences tie."""


def cosine_similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """C[i, j] = cosine of source vector i and target vector j, in [-1, 1]; a zero vector has cosine 0 with everything.

    source: (sentences, dim), target: (sentences', dim); returns (sentences, sentences') in float64.
    """
    return rounded_cosines(unit_vectors(source), unit_vectors(target))


def rounded_cosines(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """cosine_similarity of vectors of length 1 or 0, see unit_vectors."""
    products: NDArray[np.float64] = source @ target.T
    return np.round(products, _DECIMALS, out=products)


def paired_cosines(
    vectors: NDArray[np.floating], norms: NDArray[np.float64], source: NDArray[np.intp], target: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Cosines of vectors[source[k]] and vectors[target[k]], (pairs,), equal to those of cosine_similarity.

    vectors: (sentences, dim); norms: their `lengths`; source and target: (pairs,) indices.
    """
    products = np.einsum("kd,kd->k", vectors[source], vectors[target], dtype=np.float64)
    cosines: NDArray[np.float64] = np.round(products / (norms[source] * norms[target]), _DECIMALS)
    return cosines


def lengths(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Norm of each vector, in float64; 1 for a zero vector, so that its cosines are 0. vectors: (..., dim)."""
    norms = np.sqrt(np.einsum("...d,...d->...", vectors, vectors, dtype=np.float64))
    return np.where(norms > 0, norms, 1.0)


def unit_vectors(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each vector divided by its length, in float64; a zero vector stays zero. vectors: (..., dim)."""
    units: NDArray[np.float64] = vectors.astype(np.float64)
    units /= lengths(vectors)[..., np.newaxis]
    return units


SimilarityKind = Literal["cosine", "centred", "csls", "centred csls"]


SIMILARITY_KINDS: tuple[SimilarityKind, ...] = get_args(SimilarityKind)


NEIGHBOURS = 10
"""k of CSLS, as in Conneau et al. 2018."""


def centred(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """The vectors minus their mean, (pairs, dim)."""
    exact: NDArray[np.float64] = vectors.astype(np.float64)
    return np.asarray(exact - exact.mean(axis=0))


def csls(similarity: NDArray[np.floating], neighbours: int = NEIGHBOURS) -> NDArray[np.float64]:
    """2 cos(x, y) - r(x) - r(y), (pairs, pairs), where r is the mean cosine to the k nearest of the other side.

    Source: Conneau et al. 2018, arXiv:1710.04087.
    """
    k = min(neighbours, len(similarity))
    exact: NDArray[np.float64] = similarity.astype(np.float64)
    rows = np.sort(exact, axis=1)[:, -k:].mean(axis=1)
    columns = np.sort(exact, axis=0)[-k:].mean(axis=0)
    return np.asarray(np.round(2 * exact - rows[:, None] - columns[None, :], 12))


def similarity_of(ours: NDArray[np.floating], theirs: NDArray[np.floating], how: SimilarityKind) -> NDArray[np.float64]:
    """Similarity matrix of one layer, (pairs, pairs). ours, theirs: (pairs, dim)."""
    if how.startswith("centred"):
        ours, theirs = centred(ours), centred(theirs)
    cosines = cosine_similarity(ours, theirs)
    return csls(cosines) if how.endswith("csls") else cosines
