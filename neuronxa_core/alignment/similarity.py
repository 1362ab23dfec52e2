"""How alike two sets of sentence vectors are."""

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 12
"""Cosines are rounded here, far below float32 and far above float64 rounding, so that equal sentences really tie."""


def cosine_similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """C[i, j] = cosine of source vector i and target vector j, in [-1, 1]; a zero vector has cosine 0 with everything.

    source: (sentences, dim), target: (sentences', dim); returns (sentences, sentences') in float64.
    """
    cosines: NDArray[np.float64] = np.round(_unit(source) @ _unit(target).T, _DECIMALS)
    return cosines


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    vectors = vectors.astype(np.float64)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    units: NDArray[np.float64] = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return units
