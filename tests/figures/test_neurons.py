import numpy as np
import pytest

from neuronxa_core.analyses.neurons import TokenStates, overlap, sharing, specific_neurons
from neuronxa_core.figures.neurons import (
    overlap_figure,
    overlap_finding,
    sharing_figure,
    sharing_finding,
    specific_figure,
    specific_finding,
    token_figure,
)
from neuronxa_core.figures.palette import PALETTES
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
    (cells,) = specific_figure(table, rates, theme).data
    assert np.asarray(cells.z).sum() == len(table)
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
    assert figure.layout.yaxis.ticktext == ("1  &lt;b>", "2  a", "3  '\\n'")
