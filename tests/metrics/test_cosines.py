import numpy as np
import pytest

from neuronxa_core.metrics.cosines import BINS, Cosines, Matrix, edges
from neuronxa_core.metrics.geometry import anisotropy, hubness, margins, ranks
from neuronxa_core.metrics.similarity import cosine_similarity

RANDOM = np.random.default_rng(3)
SOURCE, TARGET = RANDOM.normal(size=(2, 23, 7)).astype(np.float32)
TARGET[5] = TARGET[4]  # a tie
MATRIX = cosine_similarity(SOURCE, TARGET)


@pytest.mark.parametrize("block", [1, 4, 23, 0])
@pytest.mark.parametrize("kind", ["vectors", "matrix"])
def test_block_by_block_it_says_what_the_whole_matrix_says(kind: str, block: int):
    found = Cosines(SOURCE, TARGET, block=block) if kind == "vectors" else Matrix(MATRIX, block=block)
    told = found.summary
    assert np.array_equal(told.own, MATRIX.diagonal())
    assert np.array_equal(told.margin, margins(MATRIX))
    assert np.array_equal([told.row_rank, told.column_rank], ranks(MATRIX))
    assert told.aligned == (margins(MATRIX) > 0).sum()
    assert np.array_equal(told.row_hits, np.bincount(MATRIX.argmax(axis=1), minlength=23))
    assert np.array_equal(told.column_hits, np.bincount(MATRIX.argmax(axis=0), minlength=23))
    assert (told.low, told.high) == (MATRIX.min(), MATRIX.max())
    assert told.other_mean == pytest.approx(anisotropy(MATRIX), abs=1e-14)
    others = MATRIX[~np.eye(23, dtype=bool)]
    assert np.array_equal(told.other_counts, np.histogram(others, edges())[0])
    assert np.array_equal(told.own_counts, np.histogram(MATRIX.diagonal(), edges())[0])
    skews = [((hits - 1) ** 3).mean() / hits.std() ** 3 for hits in (told.row_hits, told.column_hits)]
    assert np.mean(skews) == pytest.approx(hubness(MATRIX))


def test_rows_columns_and_parts_are_those_of_the_matrix():
    for cosines in (Cosines(SOURCE, TARGET), Matrix(MATRIX)):
        assert len(cosines) == 23
        assert np.array_equal(cosines.row(2), MATRIX[2])
        assert np.array_equal(cosines.column(9), MATRIX[:, 9])
        assert np.array_equal(cosines.part([7, 1], [3, 4, 5]), MATRIX[np.ix_([7, 1], [3, 4, 5])])
        assert np.array_equal(cosines.whole(), MATRIX)


@pytest.mark.parametrize("block", [1, 4, 0])
def test_the_rivals_are_the_nearest_of_all_but_the_translation(block: int):
    rivals, places = MATRIX.copy(), np.array([22, 4, 5, 0, 9])
    np.fill_diagonal(rivals, -np.inf)
    for cosines in (Cosines(SOURCE, TARGET, block=block), Matrix(MATRIX, block=block)):
        assert np.array_equal(cosines.row_rivals(places), rivals.argmax(axis=1)[places])
        assert np.array_equal(cosines.column_rivals(places), rivals.argmax(axis=0)[places])
        assert len(cosines.row_rivals(places[:0])) == len(cosines.column_rivals(places[:0])) == 0


def test_cosines_at_the_ends_are_counted():
    told = Matrix(np.array([[1.0, -1.0], [0.5, 1.0]])).summary
    assert told.own_counts[-1] == 2
    assert told.other_counts[0] == 1
    assert told.other_counts[BINS + BINS // 2] == 1
