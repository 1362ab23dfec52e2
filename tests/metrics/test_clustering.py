import numpy as np
import pytest

from neuronxa_core.metrics.clustering import average_linkage


def test_a_fork_stands_at_one_minus_the_mean_similarity_across_it():
    similarity = np.array([[np.nan, 0.2, 0.9], [0.2, np.nan, 0.4], [0.9, 0.4, np.nan]])
    tree, leaves = average_linkage(similarity)
    assert [set(fork) for fork in tree[:, :2]] == [{0, 2}, {1, 3}]
    assert tree[:, 2] == pytest.approx([0.1, 1 - (0.2 + 0.4) / 2])
    assert leaves in ([0, 2, 1], [1, 2, 0])  # 2 is more like 1 than 0 is, so it stands between them


def test_what_is_not_symmetric_is_averaged_and_above_one_is_as_near_as_can_be():
    tree, _ = average_linkage(np.array([[1.0, 0.3], [0.5, 1.0]]))
    assert tree[0, 2] == pytest.approx(0.6)
    tree, _ = average_linkage(np.array([[1.0, 1.0 + 1e-9], [1.0 + 1e-9, 1.0]]))
    assert tree[0, 2] == 0


def test_the_matrix_that_came_in_is_left_as_it_was():
    similarity = np.array([[1.0, 0.3], [0.3, 1.0]])
    average_linkage(similarity)
    assert similarity.tolist() == [[1.0, 0.3], [0.3, 1.0]]
