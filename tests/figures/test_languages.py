import numpy as np
import pytest

from neuronxa_core.analyses.language_order import LANGUAGE_ORDERS, arrange, level_summary, pivot_scores
from neuronxa_core.corpora.languages import known_languages, language
from neuronxa_core.figures.languages import (
    exportable_languages,
    language_heatmap,
    level_comparison,
    level_finding,
    matrix_finding,
    pivot_finding,
    pivot_ranking,
)
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.style import tick
from pages.shared.languages import MOST_IN_MATRIX
from tests.analyses.test_languages import synthetic

CODES = ("eng_Latn", "deu_Latn", "fra_Latn", "spa_Latn", "yor_Latn")
AGAINST = dict(zip(CODES[1:], (0.9, 0.6, 0.3, 0.2), strict=True))


@pytest.fixture
def matrix():
    return synthetic(CODES, {("eng_Latn", code): score for code, score in AGAINST.items()})


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("order", LANGUAGE_ORDERS)
def test_the_cells_are_the_scores_in_the_order_of_the_rows(matrix, order, theme):
    arrangement = arrange(matrix, order)
    figure = language_heatmap(matrix, arrangement, "nas", None, theme)
    cells = next(trace for trace in figure.data if trace.name == "scores")
    wanted = matrix.take(arrangement.codes).score("nas")
    np.testing.assert_allclose(np.asarray(cells.z), wanted, rtol=1e-6)
    assert (cells.zmin, cells.zmax) == (0, 1)
    assert list(figure.layout.yaxis.ticktext) == [tick(code) for code in arrangement.codes]
    assert any(trace.name == "tree" for trace in figure.data) == (order == "similarity")
    assert [note.text for note in figure.layout.annotations] == [name for name, _ in arrangement.groups]


def test_a_square_lies_over_every_cell_and_knows_its_languages(matrix):
    arrangement = arrange(matrix, "name")
    squares = next(trace for trace in language_heatmap(matrix, arrangement, "nas", None).data if trace.name == "cells")
    assert len(squares.x) == 25
    assert squares.marker.opacity == squares.unselected.marker.opacity == squares.selected.marker.opacity == 0
    for x, y, (source, target, hover) in zip(squares.x, squares.y, squares.customdata, strict=True):
        assert (source, target) == (arrangement.codes[y], arrangement.codes[x])
        if {source, target} == {"eng_Latn", "deu_Latn"}:
            assert "score 0.90" in hover
            assert "English → German  0.90" in hover


def test_the_ranking_is_the_pivots_list_best_on_top(matrix):
    figure = pivot_ranking(pivot_scores(matrix, "eng_Latn"))
    nas = next(trace for trace in figure.data if trace.name == "NAS")
    assert list(nas.x) == [0.2, 0.3, 0.6, 0.9]
    assert figure.layout.yaxis.ticktext[-1] == "German"


def test_groups_show_their_mean_and_interval_and_single_languages(matrix):
    scores = pivot_scores(matrix, "eng_Latn")
    summary = level_summary(scores)
    figure = level_comparison(scores, summary)
    by_name = {trace.name: trace for trace in figure.data}
    head = summary.set_index(["level", "measure"]).loc[("head", "nas")]
    assert by_name["NAS, head"].x == (head["mean"],)
    assert by_name["NAS, head"].error_x.array[0] == pytest.approx(head["ci_high"] - head["mean"])
    assert by_name["NAS, long-tail"].error_x.array[0] == 0
    assert (
        len(
            level_comparison(
                pivot_scores(matrix, "eng_Latn", 0), level_summary(pivot_scores(matrix, "eng_Latn", 0))
            ).data
        )
        == 4
    )


def test_the_findings_say_what_the_numbers_say(matrix):
    text = matrix_finding(matrix, "nas")
    assert "English and German are closest (0.90)" in text
    assert "English is closest to the others on average (0.50; mean over all" in text
    scores = pivot_scores(matrix, "eng_Latn")
    assert "NAS scores above the embedding for 4 of 4 languages" in pivot_finding(scores, "eng_Latn")
    finding = level_finding(level_summary(scores), "eng_Latn")
    assert "**+0.54** (95\u00a0% interval" in finding
    assert "**+0.18** (too few languages for an interval) for 1 long-tail language" in finding
    assert "only pair" in matrix_finding(matrix.take(CODES[:2]), "embedding", 0)
    assert "layer 0 has no neurons" in pivot_finding(pivot_scores(matrix, "eng_Latn", 0), "eng_Latn")


def test_all_languages_of_flores_fit_in_a_matrix_that_ships_under_three_megabytes():
    codes = known_languages()[:MOST_IN_MATRIX]
    matrix = synthetic(codes, {(codes[3], codes[7]): 0.43})
    arrangement = arrange(matrix, "family")
    figure = exportable_languages(matrix, arrangement, "nas", None, [codes[3]]).draw("dark")
    assert len(figure.to_json().encode()) < 3_000_000
    (cells,) = figure.data
    row, column = (arrangement.codes.index(code) for code in (codes[3], codes[7]))
    assert float(cells.z[row][column]) == pytest.approx(0.43)
    assert cells.text[row][column].startswith("0.43<br>→ ")
    assert len(set(cells.x)) == len(codes)
    assert not figure.layout.xaxis.fixedrange
    assert figure.layout.annotations[0].text == language(codes[3]).name
    frames = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [(frame.y0, frame.y1) for frame in frames][1] == (row - 0.5, row + 0.5)
