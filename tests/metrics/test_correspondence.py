import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuronxa_core.metrics import correspondence
from neuronxa_core.metrics.correspondence import (
    average_correlation,
    constant_share,
    debiased_cka,
    neuron_correlation,
)
from neuronxa_core.metrics.estimate import Estimate


def two_languages(pairs: int = 12, neurons: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Vectors that correspond in part, with a neuron that never varies and one that varies in one sentence only."""
    generator = np.random.default_rng(1)
    source = generator.normal(size=(pairs, neurons))
    target = source / 2 + generator.normal(size=(pairs, neurons))
    source[:, 3], target[:, 4] = 1, 0
    target[0, 4] = 1
    return source, target


def left_out(estimate: Estimate) -> np.ndarray:
    """The measure without each pair, from the pseudo-values."""
    pairs = len(estimate.each)
    return (pairs * estimate.value - estimate.each) / (pairs - 1)


def without(pair: int, *sides: np.ndarray) -> list[np.ndarray]:
    return [np.delete(side, pair, axis=0) for side in sides]


def test_anc_is_the_mean_absolute_correlation_of_the_neurons_that_vary():
    generator = np.random.default_rng(0)
    source, target = generator.random((9, 5)), generator.random((9, 5))
    target[:, 1] = -source[:, 1]
    source[:, 3], target[:, 4] = 0.1, 0.7  # what never varies has no correlation
    wanted = []
    for neuron in (0, 1, 2):
        x, y = source[:, neuron], target[:, neuron]
        together = sum((a - x.mean()) * (b - y.mean()) for a, b in zip(x, y, strict=True))
        alone = sum((a - x.mean()) ** 2 for a in x) * sum((b - y.mean()) ** 2 for b in y)
        wanted.append(abs(together / alone**0.5))
    assert wanted[1] == pytest.approx(1)
    assert neuron_correlation(source, target) == pytest.approx(np.mean(wanted))
    assert neuron_correlation(source.astype(np.float32), target) == pytest.approx(np.mean(wanted), rel=1e-5)


@given(st.integers(2, 12), st.integers(0, 99))
def test_anc_takes_no_notice_of_scale_sign_and_side(pairs: int, seed: int):
    generator = np.random.default_rng(seed)
    source, target = generator.normal(size=(pairs, 4)), generator.normal(size=(pairs, 4))
    value = neuron_correlation(source, target)
    assert 0 <= value <= 1 + 1e-9
    assert neuron_correlation(target, 3 - 7 * source) == pytest.approx(value)
    assert neuron_correlation(source, source) == pytest.approx(1)


def test_anc_is_0_where_no_neuron_varies():
    assert neuron_correlation(np.ones((4, 3)), np.arange(12.0).reshape(4, 3)) == 0


def test_neurons_that_do_not_vary_in_one_language_are_counted():
    assert constant_share(*two_languages()) == pytest.approx(1 / 30)


def test_contributions_to_anc_are_those_of_leaving_each_pair_out():
    sides = two_languages()
    expected = [neuron_correlation(*without(pair, *sides)) for pair in range(12)]
    assert left_out(average_correlation(*sides)) == pytest.approx(expected)


def looped_cka(source: np.ndarray, target: np.ndarray) -> float:
    """Debiased linear CKA from the definition of HSIC with kernels that have no diagonal, in loops."""

    def hsic(one: np.ndarray, two: np.ndarray) -> float:
        count = len(one)
        places = range(count)
        inner = sum(one[i] @ one[j] * (two[i] @ two[j]) for i in places for j in places if i != j)
        totals = [sum(each[i] @ each[j] for i in places for j in places if i != j) for each in (one, two)]
        crossed = sum(
            (one[i] @ one[k]) * (two[k] @ two[j]) for i in places for j in places for k in places if k not in (i, j)
        )
        whole = inner + totals[0] * totals[1] / ((count - 1) * (count - 2)) - 2 * crossed / (count - 2)
        return whole / (count * (count - 3))

    return hsic(source, target) / np.sqrt(hsic(source, source) * hsic(target, target))


def test_cka_and_its_contributions_are_those_of_plain_loops():
    sides = two_languages()
    found = debiased_cka(*sides)
    assert found.value == pytest.approx(looped_cka(*sides))
    assert left_out(found) == pytest.approx([looped_cka(*without(pair, *sides)) for pair in range(12)])


@given(st.integers(5, 12), st.integers(0, 99))
def test_cka_takes_no_notice_of_scale_shift_rotation_and_side(pairs: int, seed: int):
    generator = np.random.default_rng(seed)
    source, target = generator.normal(size=(2, pairs, 40))
    turn = np.linalg.qr(generator.normal(size=(40, 40)))[0]
    value = debiased_cka(source, target).value
    assert -1 <= value <= 1
    assert debiased_cka(5 + 3 * target @ turn, source).value == pytest.approx(value, abs=1e-6)
    assert debiased_cka(source, source @ turn).value == pytest.approx(1)


def test_cka_block_by_block_is_that_of_whole_kernels(monkeypatch):
    source, target = np.random.default_rng(4).normal(size=(2, 17, 9))
    whole = debiased_cka(source, target + source)
    monkeypatch.setattr(correspondence, "CELLS", 17 * 3)
    parts = debiased_cka(source, target + source)
    assert parts.value == pytest.approx(whole.value, abs=1e-12)
    np.testing.assert_allclose(parts.each, whole.each, atol=1e-10)


def test_cka_of_unrelated_vectors_is_about_0_however_many_neurons_there_are():
    generator = np.random.default_rng(0)
    values = [debiased_cka(*generator.normal(size=(2, 20, 2000))).value for _ in range(20)]
    assert abs(np.mean(values)) < 0.05


def test_cka_needs_four_pairs_an_interval_five_and_both_sides_variance():
    source, target = two_languages(5)
    assert np.isnan(debiased_cka(source[:3], target[:3]).value)
    assert np.isfinite(debiased_cka(source[:4], target[:4]).value)
    assert np.isnan(debiased_cka(source[:4], target[:4]).interval).all()
    assert np.isfinite(debiased_cka(source, target).interval).all()
    assert np.isnan(debiased_cka(np.ones((6, 3)), np.arange(18.0).reshape(6, 3)).value)
