import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses.similarity import MEASURES
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.similarity import (
    MOST_SHOWN,
    absence,
    exportable_matrix,
    measure_curves,
    similarity_distribution,
    similarity_matrix,
    space_finding,
)
from tests.analyses.test_similarity import SIMILARITY
from tests.figures.examples import STUDY

HUBNESS = next(measure for measure in MEASURES if measure.name == "hubness")


@pytest.mark.parametrize("theme", PALETTES)
def test_the_matrix_shows_the_cosines_in_the_given_order(theme):
    figure = similarity_matrix(SIMILARITY, "nas", [2, 0, 1], cell=(1, 2), theme=theme)
    heat, cells = figure.data
    assert np.asarray(heat.z).tolist() == SIMILARITY[np.ix_([2, 0, 1], [2, 0, 1])].astype(np.float32).tolist()
    clickable = {
        (int(x), int(y)): tuple(data[:2]) for x, y, data in zip(cells.x, cells.y, cells.customdata, strict=True)
    }
    assert clickable[(0, 2)] == (2, 3)  # third row is source sentence 2, first column is target sentence 3
    frame = figure.layout.shapes[0]
    assert frame.x0 < 0 < frame.x1
    assert frame.y0 < 2 < frame.y1


def test_a_large_matrix_ships_little():
    similarity = np.random.default_rng(0).random((600, 600))
    figures = [similarity_matrix(similarity, "nas", range(600)) for _ in range(3)]
    assert np.asarray(figures[0].data[0].z).shape == (MOST_SHOWN, MOST_SHOWN)
    assert sum(len(figure.to_json()) for figure in figures) < 3_000_000


def test_the_distribution_separates_translations_from_the_rest():
    figure = similarity_distribution({"nas": SIMILARITY})
    assert "translations 0.70, others 0.40" in figure.layout.annotations[0].text


def test_measure_curves_are_the_table(tiny_measures):
    figure = measure_curves(tiny_measures, HUBNESS, layer=1)
    for trace in figure.data:
        state = {"NAS": "nas", "NAV": "nav", "Embedding": "embedding"}[trace.name]
        assert list(trace.y) == tiny_measures[tiny_measures["state"] == state]["hubness"].tolist()


@pytest.fixture
def tiny_measures():
    return pd.DataFrame(
        [(state, layer, layer + 0.5) for state in ("nas", "nav", "embedding") for layer in (1, 2)],
        columns=["state", "layer", "hubness"],
    )


def test_the_findings_are_the_means_over_layers_of_the_measures_that_are_there(tiny_measures):
    table = tiny_measures.assign(anisotropy=[0.1, 0.3, 0.0, 0.0, 0.5, 0.7], effective_rank=[20, 30, 0, 0, 10, 10])
    text = space_finding(table.assign(anc=[0.25, 0.35, 0.0, 0.0, 0.1, 0.3]))
    assert "more anisotropic" in text
    assert (
        "cosine of 0.60 in embeddings and of 0.20 in NAS. The effective rank is 10 in embeddings and 25 in NAS." in text
    )
    assert "correlation of 0.30 in NAS and, for the dimensions of the embeddings, of 0.20 (ANC" in text
    assert "ANC" not in space_finding(table)
    assert space_finding(tiny_measures) == ""


def test_what_a_table_lacks_is_named_with_the_command_that_brings_it(tiny_measures):
    whole = tiny_measures.assign(**{measure.name: 0.0 for measure in MEASURES})
    assert absence(whole) == ""
    text = absence(whole.drop(columns=["anisotropy", "hubness", "anc"]))
    assert text.startswith("Anisotropy, Hubness and ANC are not")
    assert "`python -m neuronxa_core gallery --only layers`" in text
    assert absence(whole.drop(columns="anc")).startswith("ANC is not")


def test_a_window_of_a_long_matrix_says_how_many_sentences_it_shows():
    assert "2 sentences each" in exportable_matrix(STUDY, SIMILARITY, "nas", 7, [2, 0]).note
