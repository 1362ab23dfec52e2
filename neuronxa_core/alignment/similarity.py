"""How alike two sets of sentence vectors are."""

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 12
"""Cosines are rounded here, far below float32 and far above float64 rounding, so that equal sentences really tie."""


def cosine_similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """C[i, j] = cosine of source vector i and target vector j, in [-1, 1]; a zero vector has cosine 0 with everything.

    source: (sentences, dim), target: (sentences', dim); returns (sentences, sentences') in float64.
    """
    return cosines_of_units(unit_vectors(source), unit_vectors(target))


def cosines_of_units(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """As cosine_similarity, of vectors that unit_vectors has scaled: for those that are compared with many others."""
    cosines: NDArray[np.float64] = np.round(source @ target.T, _DECIMALS)
    return cosines


def unit_vectors(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each vector divided by its length, in float64; a zero vector stays zero. vectors: (..., dim)."""
    vectors = vectors.astype(np.float64)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    units: NDArray[np.float64] = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return units
