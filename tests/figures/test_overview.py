import pytest

from neuronxa_core.figures.overview import language_ranking
from neuronxa_core.gallery.read import gallery_results


@pytest.fixture(scope="module")
def results():
    return list(gallery_results().values())


def test_the_ranking_is_sorted_by_nasca(results):
    figure = language_ranking(results)
    nasca = next(trace for trace in figure.data if trace.name == "NASCA")
    assert list(nasca.x) == sorted(result.mean("nas") for result in results)
