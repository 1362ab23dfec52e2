"""Correlations against scipy, their intervals against a plain loop, and what too few languages get."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuronxa_core.analyses.downstream import (
    alignment_table,
    best_layer,
    bits_as_accuracies,
    correlation_table,
    joined,
    layer_correlations,
)
from neuronxa_core.gallery.read import gallery_results
from neuronxa_core.metrics.correlation import RESAMPLES, correlation, difference, fit_line
from neuronxa_core.states.sentences import STATES, first_layer

RNG = np.random.default_rng(5)
X = RNG.random(17).round(2)
Y = (0.6 * X + 0.3 * RNG.random(17)).round(2)
SCIPY = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}


@pytest.mark.parametrize("method", SCIPY)
def test_the_coefficient_is_scipys_and_the_interval_a_bootstrap_over_languages(method: str):
    found = correlation(X, Y, method)
    assert found.value == pytest.approx(SCIPY[method](X, Y).statistic, abs=1e-12)
    draws = np.random.default_rng(0).integers(0, len(X), size=(RESAMPLES, len(X)))
    plain = [SCIPY[method](X[draw], Y[draw]).statistic for draw in draws]
    np.testing.assert_allclose((found.low, found.high), np.quantile(plain, [0.025, 0.975]), atol=1e-9)


def test_the_difference_is_taken_on_the_same_resamples():
    other = RNG.random(17)
    found = difference(X, other, Y)
    draws = np.random.default_rng(0).integers(0, len(X), size=(RESAMPLES, len(X)))
    apart = [stats.pearsonr(X[d], Y[d]).statistic - stats.pearsonr(other[d], Y[d]).statistic for d in draws]
    assert found.value == pytest.approx(stats.pearsonr(X, Y).statistic - stats.pearsonr(other, Y).statistic)
    np.testing.assert_allclose((found.low, found.high), np.quantile(apart, [0.025, 0.975]), atol=1e-9)
    assert difference(X, X, Y) == (0, 0, 0)


def test_too_few_languages_and_constant_sides_get_no_coefficient():
    assert np.isnan(correlation(X[:5], Y[:5])).all()
    assert not np.isnan(correlation(X[:6], Y[:6])).any()
    assert np.isnan(difference(X[:5], X[1:6], Y[:5])).all()
    assert not np.isnan(difference(X[:6], X[1:7], Y[:6])).any()
    assert np.isnan(correlation(np.ones(9), Y[:9])).all()
    mostly = np.array([0, 0, 0, 0, 0, 0, 0, 1.0])
    assert not np.isnan(correlation(mostly, Y[:8])).any()


def test_the_line_is_that_of_least_squares():
    expected = stats.linregress(X, Y)
    assert fit_line(X, Y) == pytest.approx((expected.slope, expected.intercept))
    assert np.isnan(fit_line(np.ones(4), Y[:4])).all()
    assert np.isnan(fit_line(X[:1], Y[:1])).all()
    assert np.isnan(fit_line(X[:0], Y[:0])).all()


@pytest.fixture(scope="module")
def results():
    return tuple(gallery_results().values())


@pytest.fixture(scope="module")
def accuracies(results) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [
        ("m", "b", result.study.source, 0.25 + 0.5 * result.mean("nas") + 0.1 * rng.random(), "acc")
        for result in results[::2]
    ]
    return pd.DataFrame(
        [*rows, ("m", "b", "eng_Latn", 0.8, "acc"), ("m", "b", "fao_Latn", 0.3, "acc")],
        columns=["model", "benchmark", "language", "accuracy", "metric"],
    )


def test_languages_that_have_both_are_joined_and_the_adjusted_estimate_is_mexas(results, accuracies):
    table = joined(alignment_table(results), accuracies)
    assert set(table["language"]) == {result.study.source for result in results[::2]}
    np.testing.assert_allclose(table["nas_adjusted"], table["nas"] * 0.8)
    without = joined(alignment_table(results), accuracies[accuracies["language"] != "eng_Latn"])
    assert without["nas_adjusted"].isna().all()


def test_mean_and_max_over_layers(results):
    mean, most = alignment_table(results), alignment_table(results, "max")
    first = results[0]
    assert mean["nas"][0] == first.outcomes["nas"].mutual.mean()
    assert most["nas"][0] == first.outcomes["nas"].mutual.mean(axis=1).max()


def test_the_table_holds_every_measure_side_by_side(results, accuracies):
    table = joined(alignment_table(results), accuracies)
    found = correlation_table(table).set_index("measure")
    assert list(found.index) == ["NASCA", "NAVCA", "MEXA"]
    for measure, state in zip(found.index, STATES, strict=True):
        assert found.loc[measure, "pearson"] == pytest.approx(stats.pearsonr(table[state], table["accuracy"]).statistic)
        expected = stats.linregress(table[state], table["accuracy"])
        assert found.loc[measure, "slope"] == pytest.approx(expected.slope)
    assert found.loc["NASCA", "over_mexa"] == pytest.approx(
        found.loc["NASCA", "pearson"] - found.loc["MEXA", "pearson"]
    )
    assert np.isnan(found.loc["MEXA", "over_mexa"])


def test_each_layer_has_its_own_coefficient(results, accuracies):
    layers = layer_correlations(results, accuracies)
    known = [result for result in results if result.study.source in set(accuracies["language"])]
    by_language = accuracies.set_index("language")["accuracy"]
    accuracy = [by_language[result.study.source] for result in known]
    for row in layers.dropna().itertuples():
        column = [
            result.outcomes[row.state].mutual.mean(axis=1)[row.layer - first_layer(row.state)] for result in known
        ]
        assert row.pearson == pytest.approx(stats.pearsonr(column, accuracy).statistic, abs=1e-9)
    best = best_layer(layers, "nas")
    assert best is not None
    assert best[1] == layers[layers["state"] == "nas"]["pearson"].max()
    assert layer_correlations(results, accuracies.iloc[:0]).empty
    assert best_layer(layer_correlations(results, accuracies.iloc[:0]), "nas") is None


def test_bits_stand_with_their_sign_turned_so_that_more_is_better():
    rows = bits_as_accuracies({"deu_Latn": 1.5, "eng_Latn": 0.9}, "demo")
    assert rows["accuracy"].tolist() == [-1.5, -0.9]


def test_a_result_of_one_language_is_a_table_of_one(results, accuracies):
    table = joined(alignment_table(results[:1]), accuracies)
    assert len(table) == 1
    assert correlation_table(table)[["pearson", "spearman", "slope"]].isna().all().all()
    assert replace(results[0]).study == results[0].study
