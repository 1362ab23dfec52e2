"""Hierarchical clustering, with similar items next to each other."""

import numpy as np
from numpy.typing import NDArray


def average_linkage(similarity: NDArray[np.floating]) -> tuple[NDArray[np.float64], list[int]]:
    """(linkage matrix as in SciPy, leaves in optimal order) of a similarity matrix.

    similarity: (items, items), at most 1, averaged with its transpose; the diagonal is ignored.
    Distance is 1 minus similarity. Raises ValueError for fewer than 2 items.
    Source: average linkage; optimal leaf order, Bar-Joseph et al. 2001.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = 1 - (similarity + similarity.T) / 2
    np.fill_diagonal(distance, 0)
    condensed = squareform(np.clip(distance, 0, None), checks=False)
    tree: NDArray[np.float64] = linkage(condensed, "average", optimal_ordering=True)
    return tree, leaves_list(tree).tolist()
