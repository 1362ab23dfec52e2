import pytest

from neuronxa_core.analyses.asymmetry import direction_gaps, mean_gap
from neuronxa_core.figures.asymmetry import direction_curves, direction_finding, gap_languages_finding, gap_ranking
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.gallery.read import gallery_results


@pytest.fixture(scope="module")
def results():
    return list(gallery_results().values())


@pytest.mark.parametrize("theme", PALETTES)
def test_both_directions_and_their_gap_are_the_table(results, theme):
    figure = direction_curves(results[0], "embedding", 3, theme)
    rows = direction_gaps(results[0]).query("state == 'embedding'")
    code = results[0].study.source[:3]
    by_name = {trace.name: trace for trace in figure.data}
    assert list(by_name[f"{code} → eng"].y) == rows["source_to_target"].tolist()
    assert list(by_name[f"eng → {code}"].y) == rows["target_to_source"].tolist()
    assert by_name[f"eng → {code}"].line.dash == "dash"
    assert list(by_name["gap"].y) == rows["gap"].tolist()


def test_the_ranking_is_sorted_by_the_gap_of_embeddings(results):
    figure = gap_ranking(results)
    embedding = next(trace for trace in figure.data if trace.name == "Embedding")
    sizes = [abs(value) for value in embedding.x]
    assert sizes == sorted(sizes)


def test_the_findings_say_the_numbers(results):
    result = results[0]
    assert f"{mean_gap(result, 'nas')[0]:+.1f}\u00a0points" in direction_finding(result, "nas")
    largest = max(abs(mean_gap(one, "embedding")[0]) for one in results)
    text = gap_languages_finding(results)
    assert f"at most {largest:.1f}\u00a0points" in text
    assert "30.73" in text
