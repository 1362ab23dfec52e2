import numpy as np
import pytest

from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.similarity import (
    MOST_SHOWN,
    exportable_matrix,
    similarity_distribution,
    similarity_matrix,
)
from tests.analyses.test_similarity import SIMILARITY
from tests.figures.examples import STUDY


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


def test_a_window_of_a_long_matrix_says_how_many_sentences_it_shows():
    assert "2 sentences each" in exportable_matrix(STUDY, SIMILARITY, "nas", 7, [2, 0]).note
