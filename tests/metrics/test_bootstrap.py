import numpy as np
import pytest
from scipy.stats import binom, bootstrap

from neuronxa_core.metrics.bootstrap import bootstrap_interval, simultaneous_interval


@pytest.mark.parametrize("hits", [3, 20, 50, 89])
def test_for_zero_one_outcomes_it_is_the_binomial_interval(hits: int):
    """The mean of n resampled 0/1 outcomes is binomial; the bootstrap must find its quantiles to a pair."""
    outcomes = np.arange(100) < hits
    expected = binom.ppf([0.025, 0.975], 100, hits / 100) / 100
    np.testing.assert_allclose(bootstrap_interval(outcomes), expected, atol=0.0101)


def test_for_means_over_layers_it_is_scipys_bootstrap():
    outcomes = np.random.default_rng(5).beta(2, 3, size=80)
    theirs = bootstrap((outcomes,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
    np.testing.assert_allclose(bootstrap_interval(outcomes), theirs, atol=0.006)


def test_it_holds_the_mean_and_is_the_same_every_time():
    outcomes = np.random.default_rng(2).random((4, 6, 50)) < 0.4
    intervals = bootstrap_interval(outcomes)
    assert intervals.shape == (4, 6, 2)
    assert (intervals[..., 0] <= outcomes.mean(axis=-1)).all()
    assert (intervals[..., 1] >= outcomes.mean(axis=-1)).all()
    assert (intervals == bootstrap_interval(outcomes)).all()


def test_without_variation_there_is_no_width():
    assert bootstrap_interval(np.ones(30, dtype=bool)).tolist() == [1, 1]


def test_a_band_over_many_rows_is_wider_than_each_interval_and_covers_all_of_them_95_times_of_100():
    generator = np.random.default_rng(0)
    held = []
    for _ in range(200):
        low, high = simultaneous_interval(generator.normal(size=(12, 80)) * np.linspace(1, 9, 12)[:, None]).T
        held.append((low <= 0).all() and (high >= 0).all())
    assert 0.88 < np.mean(held) < 0.99
    rows = generator.normal(size=(12, 80))
    assert (np.diff(simultaneous_interval(rows)) > np.diff(bootstrap_interval(rows))).all()
    np.testing.assert_allclose(simultaneous_interval(rows[:1]), bootstrap_interval(rows[:1]), atol=0.03)
    assert simultaneous_interval(np.ones((2, 5))).tolist() == [[1, 1], [1, 1]]
