import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuronxa_core.analyses.asymmetry import (
    direction_gaps,
    gap_table,
    largest_gap,
    mean_gap,
    one_way_pairs,
    one_way_table,
)
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.metrics.cosines import Matrix
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from tests.study.test_result import result


def test_the_gap_is_the_difference_of_both_directions_in_points():
    gaps = direction_gaps(result()).set_index(["state", "layer"])
    assert gaps.loc[("nas", 1), "gap"] == 25
    assert gaps.loc[("nas", 2), "gap"] == 0
    assert gaps.loc[("nas", 1), "source_to_target"] == 0.75
    assert gaps.loc[("nas", 1), "gap_low"] <= 25 <= gaps.loc[("nas", 1), "gap_high"]
    assert mean_gap(result(), "nas")[0] == pytest.approx(result().direction_gap("nas")) == pytest.approx(12.5)
    assert largest_gap(result(), "nas") == (1, 25)


def test_the_pairs_found_one_way_only_are_named():
    pairs = one_way_pairs(result(), "nas", 1)
    assert pairs["pair"].tolist() == [3]
    assert pairs["found"].tolist() == ["source_to_target"]
    assert one_way_pairs(result(), "nas", 2).empty


@given(st.integers(0, 10_000))
def test_swapping_the_languages_negates_the_gap(seed: int):
    generator = np.random.default_rng(seed)
    directions = {state: Outcomes(*(generator.random((2, 3, 6)) < 0.5)) for state in STATES}
    forth = StudyResult(Study("demo", "everyday", "deu_Latn", "eng_Latn", pairs=6), directions, {})
    ours, theirs = direction_gaps(forth), direction_gaps(forth.reversed())
    np.testing.assert_allclose(ours["gap"], -theirs["gap"])
    np.testing.assert_allclose(ours["gap_low"], -theirs["gap_high"], atol=1e-9)


def test_the_one_way_table_names_who_took_the_lost_place():
    bitext = Bitext("deu_Latn", "eng_Latn", ("eins", "zwei", "drei", "vier"), ("one", "two", "three", "four"))
    similarity = np.eye(4)
    similarity[1, 2] = 2  # source 2 stands before source 3 when target 3 looks back
    row = one_way_table(result(), bitext, "nas", 1, Matrix(similarity)).iloc[0]
    assert (row["pair"], row["source_sentence"], row["target_sentence"]) == (3, "drei", "three")
    assert (row["taken_by"], row["sentence_in_its_place"]) == (2, "zwei")
    assert "taken_by" not in one_way_table(result(), bitext, "nas", 1)
    assert one_way_table(result(), bitext, "nas", 2, Matrix(similarity)).empty


def test_the_table_of_gaps_has_a_row_per_language():
    table = gap_table([result(), result().reversed()])
    assert table["language"].tolist() == [result().study.source, result().study.target]
    assert table["nas_gap"].tolist() == pytest.approx([12.5, -12.5])
    assert (table["nas_low"] <= table["nas_gap"]).all()
