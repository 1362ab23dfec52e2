import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GroupKFold

from neuronxa_core.metrics.estimate import Estimate, averaged, jackknifed
from neuronxa_core.metrics.separability import (
    FOLDS,
    PENALTY,
    _dual,
    _primal,
    decision_values,
    discriminability,
    separability,
)
from neuronxa_core.metrics.similarity import unit_vectors


def two_languages(apart: float, pairs: int = 23, neurons: int = 50) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    meaning = generator.normal(size=(pairs, neurons))
    source, target = (meaning + generator.normal(size=(pairs, neurons)) for _ in range(2))
    target[:, 0] += apart
    return source, target


def scikit_values(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """scikit-learn's classifier in five folds of consecutive pairs, on vectors of length 1."""
    pairs = len(source)
    vectors = np.concatenate([source, target])
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.repeat([1, -1], pairs)
    edges = np.cumsum([0, *(len(part) for part in np.array_split(np.arange(pairs), 5))])
    fold = np.tile(np.searchsorted(edges, np.arange(pairs), side="right"), 2)
    values = np.empty(2 * pairs)
    for train, test in GroupKFold(5).split(vectors, groups=fold):
        centred = vectors[train] - vectors[train].mean(axis=0)
        penalty = PENALTY * (centred**2).sum() / len(train)
        values[test] = (
            RidgeClassifier(alpha=penalty).fit(vectors[train], labels[train]).decision_function(vectors[test])
        )
    return values.reshape(2, pairs)


@pytest.mark.parametrize("apart", [0.0, 1.5, 20.0])
def test_the_dual_classifier_is_that_of_scikit_learn(apart: float):
    sides = two_languages(apart)
    expected = scikit_values(*sides)
    values = decision_values(*sides)
    np.testing.assert_allclose(values, expected, atol=1e-9)
    right = (expected * [[1], [-1]] > 0).mean()
    assert separability(values).value == pytest.approx(right)
    assert right == 1 if apart == 20 else right < 1


@pytest.mark.parametrize("neurons", [3, 60])
def test_the_primal_says_what_the_dual_says(neurons: int):
    """decision_values takes the primal where sentences outnumber neurons."""
    source, target = np.random.default_rng(neurons).normal(size=(2, 23, neurons))
    source[:, 0] += 0.5
    sides = unit_vectors(source), unit_vectors(target)
    folds = np.array_split(np.arange(23), FOLDS)
    primal = _primal(*sides, folds)
    np.testing.assert_allclose(primal, _dual(*sides, folds), atol=1e-9)
    assert np.array_equal(decision_values(source, target), primal) is (neurons == 3)


def test_sentences_that_are_the_same_in_both_languages_are_told_apart_by_half():
    source, _ = two_languages(0)
    values = decision_values(source, source)
    assert separability(values).value == 0.5
    assert discriminability(values).value == 0
    assert separability(decision_values(np.ones((4, 3)), np.ones((4, 3)))).value == 0.5


def test_swapping_the_languages_and_scaling_a_sentence_changes_nothing():
    source, target = two_languages(1.5)
    values, swapped = decision_values(source, target), decision_values(target, source)
    np.testing.assert_allclose(swapped, -values[::-1], atol=1e-9)
    longer = source * np.linspace(1, 9, len(source))[:, None]
    np.testing.assert_allclose(decision_values(longer, target), values, atol=1e-9)


def test_two_pairs_are_enough_for_a_share():
    source, target = np.array([[1.0, 0.0], [1.0, 0.1]]), np.array([[0.0, 1.0], [0.1, 1.0]])
    values = decision_values(source, target)
    assert separability(values).value == 1
    assert np.isnan(discriminability(values).interval).all()


def test_d_prime_is_the_distance_of_the_means_in_standard_deviations():
    values = np.array([[1.0, 2.0, 3.0, 2.0], [-1.0, -2.0, -3.0, 0.0]])
    spread = np.sqrt((values[0].var(ddof=1) + values[1].var(ddof=1)) / 2)
    found = discriminability(values)
    assert found.value == pytest.approx(3.5 / spread)
    without = [discriminability(np.delete(values, pair, axis=1)).value for pair in range(4)]
    assert (4 * found.value - found.each) / 3 == pytest.approx(without)


def test_where_all_sentences_are_told_apart_the_interval_is_the_exact_one():
    found = separability(np.array([[1.0] * 100, [-1.0] * 100]))
    assert found.interval == pytest.approx((0.025 ** (1 / 100), 1))
    assert separability(np.array([[-1.0] * 100, [1.0] * 100])).interval == pytest.approx((0, 1 - 0.025 ** (1 / 100)))
    assert found.interval[0] < 1


def test_the_jackknife_of_a_mean_is_the_mean_of_its_pairs():
    each = np.random.default_rng(0).normal(size=40)
    without = np.array([np.delete(each, pair).mean() for pair in range(40)])
    np.testing.assert_allclose(jackknifed(each.mean(), without).each, each)


def test_intervals_cover_the_value_95_times_of_100():
    generator = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        each = generator.normal(size=60)
        without = (each.sum() - each) / 59
        low, high = jackknifed(each.mean(), without).interval
        inside.append(low <= 0 <= high)
    assert 0.91 < np.mean(inside) < 0.98


def test_an_interval_stays_within_what_the_measure_can_be_and_a_mean_has_its_own():
    each = np.array([0.99, 1.2, 0.7, 1.05])
    low, high = Estimate(0.98, each, (0.0, 1.0)).interval
    assert (low > 0.6, high) == (True, 1.0)
    whole = averaged([Estimate(0.2, each), Estimate(0.4, -each)])
    assert whole.value == pytest.approx(0.3)
    assert whole.interval == pytest.approx((0.3, 0.3))
    assert np.isnan(Estimate(0.5, np.array([0.1, np.nan])).interval).all()
