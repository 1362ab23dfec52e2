import numpy as np
import pytest

from neuronxa_core.analyses.neurons import TokenStates, overlap, sharing, specific_neurons
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.neurons import (
    overlap_figure,
    overlap_finding,
    sharing_figure,
    sharing_finding,
    specific_figure,
    specific_finding,
)
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.token_rows import token_figure
from neuronxa_core.gallery.read import gallery_studies, precomputed_rates


@pytest.fixture(scope="module")
def rates():
    return precomputed_rates(gallery_studies()[0], ("eng_Latn", "deu_Latn", "fra_Latn", "zho_Hans", "yor_Latn"))


@pytest.mark.parametrize("theme", PALETTES)
def test_the_bars_of_a_layer_sum_to_one(rates, theme):
    table = sharing(rates, 0.5)
    bars = np.array([trace.y for trace in sharing_figure(table, theme).data])
    np.testing.assert_allclose(bars.sum(axis=0), 1)
    assert "active in all 5 languages (on more than 50\u00a0% of the tokens)" in sharing_finding(table, 5, 0.5)


@pytest.mark.parametrize("theme", PALETTES)
def test_the_cells_are_the_overlaps_without_the_diagonal(rates, theme):
    shared = overlap(rates, 0.5)
    (cells,) = overlap_figure(shared, rates.codes, theme).data
    assert np.isnan(np.diag(cells.z)).all()
    assert cells.z[0][1] == pytest.approx(shared[0, 1], abs=1e-6)
    assert "overlap most" in overlap_finding(shared, rates.codes)
    assert "No neuron exceeds this threshold" in overlap_finding(np.full((5, 5), np.nan), rates.codes)


@pytest.mark.parametrize("theme", PALETTES)
def test_the_counts_are_those_of_the_table(rates, theme):
    table = specific_neurons(rates)
    cells, targets = specific_figure(table, rates, theme).data
    assert np.asarray(cells.z).sum() == len(table)
    for place, (code, layer) in enumerate(targets.customdata):
        mine = len(table[(table["language"] == code) & (table["layer"] == layer)])
        assert cells.z[targets.y[place]][layer - 1] == mine
        assert targets.hovertext[place].startswith(f"<b>{language(code).name}, layer {layer}</b><br>{mine} ")
    assert f"Of the {len(table)} most language-specific neurons" in specific_finding(table, rates)


@pytest.mark.parametrize("theme", PALETTES)
def test_the_image_holds_the_activations_of_the_chosen_neurons_as_text(theme):
    activations = np.arange(12, dtype=np.float32).reshape(3, 4) - 5
    states = TokenStates(
        ("<b>", " a", "\n"), activations, np.array([0, 0.5, 1, 1], np.float32), np.arange(4, dtype=np.float32)
    )
    figure = token_figure(states, [3, 1], theme)
    np.testing.assert_array_equal(figure.data[0].z, activations[:, [3, 1]])
    np.testing.assert_array_equal(figure.data[2].z, [[1, 0.5]])
    targets = figure.data[3]
    assert [neuron for (neuron,) in targets.customdata] == 3 * [3, 1]
    assert (targets.x[4], targets.y[4], targets.hovertext[4]) == (0, 2, "<b>neuron 3</b><br>activation 6.000")
    assert figure.layout.yaxis.ticktext == ("1  &lt;b>", "2  a", "3  '\\n'")


@pytest.mark.parametrize("theme", PALETTES)
def test_the_four_shares_are_told_apart_without_colour_and_the_legend_has_the_bars_own_boxes(rates, theme):
    figure = sharing_figure(sharing(rates, 0.5), theme)
    assert [trace.name for trace in figure.data] == ["in all", "in some", "in one", "in none"]
    fills = [(trace.marker.color, trace.marker.pattern.shape) for trace in figure.data]
    assert fills[0][0] == PALETTES[theme].states["nas"]
    assert [shape for _, shape in fills] == [None, None, "/", "."]
    assert {trace.marker.line.color for trace in figure.data[2:]} == {
        PALETTES[theme].states["nas"],
        PALETTES[theme].muted,
    }
    assert figure.layout.showlegend
    assert not figure.layout.annotations


def test_every_column_of_the_overlap_has_its_code_and_both_matrices_say_what_their_colours_count(rates):
    many = tuple(f"{first}{second}a_Latn" for first in "bcdfg" for second in "aeiou")
    figure = overlap_figure(np.full((25, 25), 0.5), many)
    assert list(figure.layout.xaxis.ticktext) == [code[:3] for code in many]
    assert figure.data[0].colorbar.title.text.startswith("Jaccard index")
    assert specific_figure(specific_neurons(rates), rates).data[0].colorbar.title.text.startswith("Number of neurons")


def test_two_sentences_share_their_columns_and_the_scale_of_their_activations():
    one, two = (
        TokenStates(
            tokens, np.full((len(tokens), 2), value, np.float32), np.ones(2, np.float32), np.ones(2, np.float32)
        )
        for tokens, value in ((("a",), 2.0), (("a very long token indeed", "b", "c"), -7.0))
    )
    figures = [token_figure(states, [1, 0], "light", most=7.0) for states in (one, two)]
    assert {figure.layout.margin.l for figure in figures} == {130}
    assert not any(figure.layout.yaxis.automargin for figure in figures)
    assert [(figure.data[0].zmin, figure.data[0].zmax) for figure in figures] == [(-7.0, 7.0)] * 2
    assert figures[0].data[0].showscale
    assert figures[1].layout.yaxis.ticktext[0] == "1  a very long t…"
