"""Winners, guesses and counts on a matrix that can be checked by eye, and the texts of the steps."""

from dataclasses import replace

import numpy as np
import pytest

from neuronxa_core.analyses.worked_example import WorkedExample
from neuronxa_core.figures.method.counted import mean_in_sight, told_of_count, told_of_guess
from neuronxa_core.figures.method.inside import MOST_TOKENS, exportable_firing, firing_figure, tokens_finding
from neuronxa_core.figures.method.neighbours import neighbours_figure, neighbours_finding, score_line, winners
from neuronxa_core.figures.method.shown import telling_layer
from neuronxa_core.gallery.method import method_request, precomputed_method

MATRIX = np.array([[0.9, 0.1, 0.2], [0.3, 0.5, 0.6], [0.7, 0.7, 0.4]])
"""Pair 1 wins both, pair 2 loses its row to target 3 and its column to source 3, row 3 is a tie."""


@pytest.fixture(scope="module")
def worked() -> WorkedExample:
    return precomputed_method(method_request())


@pytest.fixture
def small(worked: WorkedExample) -> WorkedExample:
    """The matrix above at layer 1, and one in which all is aligned at layer 2."""
    study = replace(worked.study, pairs=3)
    return replace(worked, result=replace(worked.result, study=study), cosines={"nas": np.stack([MATRIX, np.eye(3)])})


def test_a_winner_exceeds_its_whole_row_or_column_and_a_tie_has_none():
    rows, columns = winners(MATRIX)
    assert np.argwhere(rows).tolist() == [[0, 0], [1, 2]]
    assert np.argwhere(columns).tolist() == [[0, 0], [1, 2], [2, 1]]


def test_hidden_cosines_are_nowhere_in_the_figure(small: WorkedExample):
    hidden = neighbours_figure(small, "nas", 1, shown=False)
    assert np.ptp(hidden.data[0].z) == 0
    assert {text for row in hidden.data[0].text for text in row} == {"?"}
    shown = neighbours_figure(small, "nas", 1)
    assert shown.data[0].text[1][2] == "0.600"
    assert len(shown.layout.shapes) == 2  # frames: pair 1, and source 2 with target 3
    assert neighbours_finding(small, "nas", 1) == (
        "NAS at layer 1: 1 of 3 translations win their row, 1 their column, 1 both."
    )


def test_a_guess_is_answered_with_the_nearest_sentence(small: WorkedExample):
    assert told_of_guess(small, "nas", 1, 0, 0).startswith("Right: sentence 1 is the nearest (cosine 0.900), its own")
    assert told_of_guess(small, "nas", 1, 1, 1) == (
        "You chose sentence 2 (cosine 0.500). The nearest is sentence 3 (0.600), not its translation, sentence 2."
    )
    assert "several share the highest cosine, 0.700" in told_of_guess(small, "nas", 1, 2, 0)


def test_a_count_is_checked_and_a_mistake_is_explained(small: WorkedExample):
    assert told_of_count(small, "nas", 1, {0}) == (
        True,
        "Right: 1 pair of 3, so the score of layer 1 is 1/3 = 0.33. Chance would give 1/(2 × 3 − 1) = 0.200.",
    )
    right, told = told_of_count(small, "nas", 1, {1, 2})
    assert not right
    assert "Pair 2 has 0.500, but in its row target sentence 3 has 0.600." in told
    assert "Pair 3 has 0.400, but in its row target sentence 1 has 0.700." in told
    assert "Pair 1 wins both and is not ticked." in told


def test_the_score_stands_on_the_line_only_when_it_is_asked_for(small: WorkedExample):
    assert [trace.name for trace in score_line(small, "nas", 1, shown=False).data] == ["possible"]
    (dot,) = (trace for trace in score_line(small, "nas", 2).data if trace.name == "score")
    assert dot.x == (1.0,)


def test_the_mean_is_summed_in_sight_and_is_that_of_the_study(worked: WorkedExample):
    told = mean_in_sight(worked, "nas")
    assert told.startswith("NASCA = (0 + 2 + 4 + 5 + ")
    counts = [int(each) for each in told.split("(")[1].split(")")[0].split(" + ")]
    assert sum(counts) / 90 == pytest.approx(worked.result.mean("nas"))
    assert told.endswith(f"= {sum(counts)} / 90 = **0.88**")
    assert "19 layers, with the token embedding" in mean_in_sight(worked, "embedding")


def test_it_opens_at_a_layer_where_there_is_something_to_count(worked: WorkedExample):
    assert 0 < worked.scores("nas")[telling_layer(worked) - 1] < 1


def test_a_long_sentence_is_cut_in_the_picture_and_the_caption_says_so(worked: WorkedExample):
    first = worked.sides[0][0]
    times = np.concatenate([first.activation] * 3, axis=1)
    long = replace(first, tokens=first.tokens * 3, activation=times)
    longer = replace(worked, sides=((long, *worked.sides[0][1:]), worked.sides[1]))
    assert len(firing_figure(longer, 0, 0, 4).data[0].z) == MOST_TOKENS
    assert f"The first {MOST_TOKENS} of 72 tokens." in exportable_firing(longer, 0, 0, 4).note
    assert "The first" not in exportable_firing(worked, 0, 0, 4).note
    assert tokens_finding(worked) == "German costs 122 tokens, English 92: a ratio of 1.33. Special tokens count."
