import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuronxa_core.metrics.scoring import chance_rate, mutual_nearest_rate, pair_outcomes, retrieval
from neuronxa_core.metrics.similarity import SIMILARITY_KINDS, SimilarityKind, cosine_similarity, similarity_of


def similarities(low: int = 2, high: int = 9) -> st.SearchStrategy[np.ndarray]:
    """Square matrices of few distinct values, so that ties are common."""
    return st.integers(low, high).flatmap(
        lambda size: arrays(np.float64, (size, size), elements=st.integers(-4, 4).map(lambda value: value / 4))
    )


def by_definition(similarity: np.ndarray) -> list[bool]:
    """Pair i counts if c_ii is strictly greater than every other entry of its row and of its column."""
    size = len(similarity)
    return [
        all(similarity[i, i] > similarity[i, j] and similarity[i, i] > similarity[j, i] for j in range(size) if j != i)
        for i in range(size)
    ]


def test_only_pairs_that_win_their_row_and_their_column_count():
    similarity = np.array(
        [
            [0.9, 0.1, 0.2],  # wins its row and its column
            [0.3, 0.5, 0.8],  # loses its row to the third target
            [0.4, 0.6, 0.7],  # wins its row, but the second source is nearer to its target
        ]
    )
    outcomes = pair_outcomes(similarity)
    assert outcomes.source_to_target.tolist() == [True, False, True]
    assert outcomes.target_to_source.tolist() == [True, False, False]
    assert outcomes.mutual.tolist() == [True, False, False]
    assert mutual_nearest_rate(similarity) == 1 / 3


def test_a_collapsed_space_scores_zero():
    assert mutual_nearest_rate(np.ones((5, 5))) == 0


def test_a_perfect_space_scores_one():
    assert mutual_nearest_rate(np.eye(4)) == 1


@given(similarities())
def test_the_fast_path_is_the_definition(similarity: np.ndarray):
    assert pair_outcomes(similarity).mutual.tolist() == by_definition(similarity)


@given(similarities())
def test_swapping_source_and_target_keeps_the_score_and_swaps_the_directions(similarity: np.ndarray):
    forth, back = pair_outcomes(similarity), pair_outcomes(similarity.T)
    assert forth.mutual.tolist() == back.mutual.tolist()
    assert forth.source_to_target.tolist() == back.target_to_source.tolist()


@given(similarities(), st.randoms())
def test_the_order_of_the_pairs_does_not_matter(similarity: np.ndarray, random):
    order = list(range(len(similarity)))
    random.shuffle(order)
    assert (
        pair_outcomes(similarity[np.ix_(order, order)]).mutual.tolist()
        == pair_outcomes(similarity).mutual[order].tolist()
    )


@given(similarities())
def test_what_counts_both_ways_counts_each_way(similarity: np.ndarray):
    outcomes = pair_outcomes(similarity)
    assert outcomes.mutual.mean() <= min(outcomes.source_to_target.mean(), outcomes.target_to_source.mean())


@given(similarities(3))
def test_a_rival_less_never_hurts(similarity: np.ndarray):
    fewer = pair_outcomes(similarity[:-1, :-1]).mutual
    assert (fewer >= pair_outcomes(similarity).mutual[:-1]).all()


def test_chance_is_what_random_matrices_give():
    generator = np.random.default_rng(1)
    rates = [mutual_nearest_rate(generator.random((10, 10))) for _ in range(4000)]
    assert np.mean(rates) == pytest.approx(chance_rate(10), abs=0.003)
    assert chance_rate(10) == 1 / 19


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (0, 0)])
def test_what_is_not_a_square_of_two_pairs_is_refused(shape: tuple[int, int]):
    with pytest.raises(ValueError, match="at least 2 pairs"):
        mutual_nearest_rate(np.zeros(shape))


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        mutual_nearest_rate(np.array([[np.nan, 0], [0, 1]]))


@pytest.mark.parametrize("block", [1, 2, 5, 29, 30, 100])
@pytest.mark.parametrize("seed", range(5))
def test_a_block_of_rows_at_a_time_finds_the_same_pairs(block: int, seed: int):
    """Vectors of few distinct values, some of them equal or zero, so that ties are common."""
    numbers = np.random.default_rng(seed)
    source, target = (numbers.integers(-1, 2, (30, 4)).astype(np.float32) for _ in range(2))
    target[::2] = source[::2]
    whole = pair_outcomes(cosine_similarity(source, target))
    assert 0 < whole.mutual.sum() < 30 or seed
    for ours, theirs in zip(retrieval(source, target, block), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("block", [1, 7, 40])
@pytest.mark.parametrize("how", SIMILARITY_KINDS)
@pytest.mark.parametrize("pairs", [6, 40])
def test_every_similarity_finds_the_same_pairs_block_by_block(how: SimilarityKind, block: int, pairs: int):
    """6 pairs are fewer than CSLS has neighbours."""
    numbers = np.random.default_rng(pairs)
    source, target = numbers.normal(size=(2, pairs, 5)).astype(np.float32)
    target[::2] = source[::2] + 0.3 * target[::2]
    target[3] = target[2]
    whole = pair_outcomes(similarity_of(source, target, how))
    assert 0 < whole.mutual.sum() < pairs
    for ours, theirs in zip(retrieval(source, target, block, how), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_vectors_that_are_no_pairs_are_refused():
    with pytest.raises(ValueError, match="at least 2 pairs, got 1 source and 1 target"):
        retrieval(np.ones((1, 4)), np.ones((1, 4)))
    with pytest.raises(ValueError, match="3 source and 2 target"):
        retrieval(np.ones((3, 4)), np.ones((2, 4)))
    with pytest.raises(ValueError, match="NaN"):
        retrieval(np.array([[1.0], [np.nan]]), np.ones((2, 1)))
