import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew

from neuronxa_core.metrics.geometry import (
    anisotropy,
    cell_rivals,
    effective_rank,
    hubness,
    margins,
    ranks,
)
from neuronxa_core.metrics.scoring import pair_outcomes
from neuronxa_core.metrics.similarity import cosine_similarity

SIMILARITY = np.array([[0.9, 0.1, 0.2], [0.3, 0.5, 0.8], [0.4, 0.6, 0.7]])


def test_margins_ranks_and_rivals_by_eye():
    assert margins(SIMILARITY) == pytest.approx([0.5, -0.3, -0.1])
    row, column = ranks(SIMILARITY)
    assert row.tolist() == [1, 2, 1]
    assert column.tolist() == [1, 2, 2]
    assert cell_rivals(SIMILARITY, 1, 1) == ([2, 0], [2, 0])
    assert cell_rivals(SIMILARITY, 2, 2, count=1) == ([1], [1])


@given(st.integers(2, 12), st.integers(0, 99))
def test_a_margin_above_zero_and_rank_one_are_the_outcomes(size: int, seed: int):
    similarity = np.round(np.random.default_rng(seed).random((size, size)), 1)  # with ties
    outcomes = pair_outcomes(similarity)
    row, column = ranks(similarity)
    assert ((margins(similarity) > 0) == outcomes.mutual).all()
    assert ((row == 1) == outcomes.source_to_target).all()
    assert ((column == 1) == outcomes.target_to_source).all()


def test_anisotropy_is_the_mean_off_the_diagonal():
    assert anisotropy(SIMILARITY) == pytest.approx(np.mean([0.1, 0.2, 0.3, 0.8, 0.4, 0.6]))


def test_a_common_direction_makes_a_space_anisotropic_and_low_in_rank():
    generator = np.random.default_rng(0)
    free = generator.normal(size=(60, 200))
    crowded = free + 20
    assert abs(anisotropy(cosine_similarity(free, free))) < 0.01
    assert anisotropy(cosine_similarity(crowded, crowded)) > 0.99
    assert effective_rank(crowded) < 0.8 * effective_rank(free)


def test_effective_rank_of_equal_directions_is_their_number():
    assert effective_rank(np.eye(7)) == pytest.approx(7)
    assert effective_rank(np.outer(np.arange(1, 5), np.ones(9))) == pytest.approx(1, abs=1e-6)
    singular = np.linalg.svd(SIMILARITY, compute_uv=False)
    share = singular / singular.sum()
    assert effective_rank(SIMILARITY) == pytest.approx(np.exp(-(share * np.log(share)).sum()))


def test_rivals_that_are_equally_strong_come_in_the_order_of_their_numbers():
    similarity = np.full((40, 40), 0.5)
    similarity[0, 30] = 0.7
    assert cell_rivals(similarity, 0, 3) == ([30, 0, 1, 2, 4], [1, 2, 3, 4, 5])


def test_one_hub_that_everybody_is_nearest_to_skews():
    fair = np.eye(10)
    hub = np.full((10, 10), 0.0)
    hub[:, 0] = 1.0
    assert hubness(fair) == 0
    in_rows, in_columns = np.bincount([0] * 10, minlength=10), np.bincount([0] + [0] * 9, minlength=10)
    assert hubness(hub) == pytest.approx((skew(in_rows) + skew(in_columns)) / 2)


def test_a_hub_on_one_side_counts_half_whichever_side_that_is():
    similarity = np.eye(10) / 2  # every target's nearest is its own source
    similarity[:, 0] = 1  # and every source's is the first target
    expected = skew(np.bincount([0] * 10, minlength=10)) / 2
    assert hubness(similarity) == pytest.approx(expected)
    assert hubness(similarity.T) == pytest.approx(expected)
