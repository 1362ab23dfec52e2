import numpy as np
from scipy.spatial.distance import cdist

from neuronxa_core.metrics.scoring import mutual_nearest_rate
from neuronxa_core.metrics.similarity import cosine_similarity, csls, lengths


def test_it_is_the_cosine_that_scipy_computes():
    generator = np.random.default_rng(0)
    source, target = generator.normal(size=(7, 40)), generator.normal(size=(7, 40))
    np.testing.assert_allclose(cosine_similarity(source, target), 1 - cdist(source, target, "cosine"), atol=1e-11)


def test_a_zero_vector_has_cosine_zero_with_everything():
    vectors = np.array([[0.0, 0.0], [3.0, 4.0]], dtype=np.float32)
    assert cosine_similarity(vectors, vectors).tolist() == [[0, 0], [0, 1]]


def test_a_zero_vector_has_length_one_so_that_its_cosines_are_zero():
    assert lengths(np.array([[0.0, 0.0], [3.0, 4.0]], dtype=np.float32)).tolist() == [1, 5]


def test_large_values_do_not_overflow():
    vectors = np.full((2, 3), 3e38, dtype=np.float32)
    assert cosine_similarity(vectors, vectors).tolist() == [[1, 1], [1, 1]]


def test_the_same_sentence_twice_ties_wherever_it_stands():
    """Rounding inside a matrix product depends on the position; a tie that it breaks would count as a hit."""
    vectors = np.random.default_rng(0).random((101, 999)).astype(np.float32)
    vectors[100] = vectors[3]
    similarity = cosine_similarity(vectors, vectors)
    assert similarity[3, 3] == similarity[100, 3] == similarity[3, 100]
    assert mutual_nearest_rate(similarity) == 99 / 101


def test_the_same_sentence_twice_ties_by_csls_too():
    vectors = np.random.default_rng(0).random((101, 999)).astype(np.float32)
    vectors[100] = vectors[3]
    similarity = csls(cosine_similarity(vectors, vectors))
    assert similarity[3, 3] == similarity[100, 3] == similarity[3, 100]
    assert mutual_nearest_rate(similarity) == 99 / 101
