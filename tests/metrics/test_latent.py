import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuronxa_core.metrics.latent import overtaking_layer, own_and_shuffled, pivot_share


def test_own_is_the_sum_over_a_words_tokens_and_shuffled_the_mean_over_the_others():
    """Two words, one layer; the first may begin with tokens 0 and 1, the second with 2."""
    probabilities = np.array([[[0.5, 0.1, 0.2]], [[0.3, 0.0, 0.4]]])
    sets = np.array([[True, True, False], [False, False, True]])
    own, shuffled = own_and_shuffled(probabilities, sets)
    np.testing.assert_allclose(own, [[0.6, 0.4]])
    np.testing.assert_allclose(shuffled, [[0.2, 0.3]])


def test_it_is_the_plain_loop():
    chance = np.random.default_rng(0)
    probabilities, sets = chance.random((5, 3, 7)), chance.random((5, 7)) < 0.4
    own, shuffled = own_and_shuffled(probabilities, sets)
    for word in range(5):
        for layer in range(3):
            answers = [probabilities[word, layer][each].sum() for each in sets]
            assert own[layer, word] == pytest.approx(answers[word])
            assert shuffled[layer, word] == pytest.approx(np.mean(answers[:word] + answers[word + 1 :]))


def test_a_token_that_every_answer_has_is_all_baseline():
    probabilities = np.random.default_rng(0).random((4, 2, 3))
    sets = np.zeros((4, 3), dtype=bool)
    sets[:, 1] = True
    own, shuffled = own_and_shuffled(probabilities, sets)
    np.testing.assert_allclose(own, shuffled)


def test_one_word_has_no_others():
    with pytest.raises(ValueError, match="at least two"):
        own_and_shuffled(np.ones((1, 2, 3)), np.ones((1, 3), dtype=bool))


@pytest.mark.parametrize(
    ("target", "pivot", "layer"),
    [
        ([0.0, 0.1, 0.5], [0.1, 0.3, 0.2], 3),
        ([0.2, 0.1, 0.5], [0.1, 0.3, 0.2], 3),  # ahead, behind, ahead for good
        ([0.2, 0.4, 0.5], [0.1, 0.3, 0.2], 1),
        ([0.2, 0.4, 0.1], [0.1, 0.3, 0.2], 4),  # never for good
        ([0.2, 0.2, 0.2], [0.2, 0.2, 0.2], 4),
    ],
)
def test_the_target_overtakes_where_it_stays_ahead(target, pivot, layer):
    assert overtaking_layer(np.array(target), np.array(pivot)) == layer
    doubled = overtaking_layer(np.stack([target, target], axis=1), np.stack([pivot, pivot], axis=1))
    assert doubled.tolist() == [layer, layer]


def test_the_share_of_the_pivot():
    assert pivot_share(np.array([0.1, 0.5]), np.array([0.2, 0.0])) == pytest.approx(0.25)
    assert pivot_share(np.array([-0.1, 0.5]), np.array([0.5, -0.2])) == pytest.approx(0.5)
    assert np.isnan(pivot_share(np.array([-0.1]), np.array([0.0])))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8), st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_both_shares_sum_to_one(one, other):
    a, b = np.array(one), np.array(other[: len(one)])
    if a.sum() + b.sum() > 0:
        assert pivot_share(a, b) + pivot_share(b, a) == pytest.approx(1)
