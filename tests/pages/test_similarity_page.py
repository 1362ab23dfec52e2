import base64
import json

import numpy as np
import pytest

from neuronxa_core.analyses import similarity as analysis
from neuronxa_core.analyses.similarity import Similarity
from neuronxa_core.analyses.space import MEASURES
from neuronxa_core.gallery.read import StoredLayers
from neuronxa_core.metrics.cosines import Cosines
from neuronxa_core.metrics.geometry import cell_rivals
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers, find_result, run_study
from neuronxa_core.study.study import Study
from tests.pages.app import chart_count, open_page, query_of, table_rows, wait_for_charts

CHARTS = 1 + 3 + 1 + 1 + sum(measure.drawn for measure in MEASURES)
"""The strip, a matrix per state, the distribution, the plane, and the measures."""


def measured(study: Study) -> StudyResult:
    """The scores of a study, whose cosines and measures lie in the cache too."""
    Similarity(study).run()
    return find_result(study)


def test_it_shows_three_matrices_the_sentences_and_their_rivals(study: Study):
    result = measured(study)
    app = open_page("similarity", **query_of(study))
    assert chart_count(app) == CHARTS
    layer = result.peak("nas")[0]
    similarity = find_layers(study).similarity("nas", layer)
    targets, _ = cell_rivals(similarity, 0, 0)
    rivals = table_rows(app)[5:]  # five on the source side come first
    assert [int(row[0]) for row in rivals] == [row + 1 for row in targets]
    np.testing.assert_allclose([float(row[1]) for row in rivals], similarity[0][targets], atol=0.0005)
    assert any(f"Layer {layer}. NAS: " in text.value for text in app.markdown)


def test_another_layer_shows_its_own_numbers(study: Study):
    measured(study)
    app = open_page("similarity", **query_of(study))
    app.slider(key="sim_layer").set_value(0).run()
    assert not app.exception
    assert any(text.value.startswith("Layer 0. Embedding: ") for text in app.markdown)
    assert len(app.info) == 2


def test_what_follows_from_the_states_is_asked_for_at_once_and_computed_by_the_worker(study: Study, monkeypatch):
    run_study(study)
    app = open_page("similarity", **query_of(study))
    assert "run" not in [button.key for button in app.button]
    wait_for_charts(app, CHARTS)
    monkeypatch.setattr(analysis, "measure_space", None)
    monkeypatch.setattr(Cosines, "_summarise", lambda cosines: pytest.fail("counted in the page"))
    app.slider(key="sim_layer").set_value(2).run()
    assert chart_count(app) == CHARTS
    again = open_page("similarity", **query_of(study))
    assert chart_count(again) == CHARTS


def test_without_states_it_invites_and_a_run_brings_the_page(study: Study):
    app = open_page("similarity", **query_of(study))
    app.button(key="run").click().run()
    wait_for_charts(app, CHARTS)


def test_a_long_corpus_is_shown_in_parts(tiny_model, tmp_path):
    corpus = tmp_path / "long"
    corpus.mkdir()
    for code, word in (("deu_Latn", "Wort"), ("eng_Latn", "word")):
        (corpus / f"{code}.txt").write_text("".join(f"{word} {number}\n" for number in range(160)), encoding="utf-8")
    study = Study(str(tiny_model("llama")), str(corpus), "deu_Latn", "eng_Latn", pairs=160)
    measured(study)
    app = open_page("similarity", **query_of(study))
    assert app.number_input(key="sim_from").max == 11
    assert heatmap(app).shape == (150, 150)
    similarity = find_layers(study).similarity("nas", 3)
    app.slider(key="sim_layer").set_value(3).run()
    app.number_input(key="sim_from").set_value(11).run()
    np.testing.assert_allclose(heatmap(app), similarity[10:, 10:], rtol=1e-5)


def heatmap(app) -> np.ndarray:
    """The cells of the first matrix that the page draws."""
    figure = json.loads(app.get("plotly_chart")[1].proto.spec)
    cells = next(trace for trace in figure["data"] if trace["type"] == "heatmap")["z"]
    rows, columns = (int(size) for size in cells["shape"].split(","))
    return np.frombuffer(base64.b64decode(cells["bdata"]), dtype=cells["dtype"]).reshape(rows, columns)


def test_a_cell_can_be_asked_for_by_number_and_rivals_survive_a_visit_to_layer_0(study: Study):
    measured(study)
    app = open_page("similarity", **query_of(study))
    app.number_input(key="sim_target").set_value(3).run()
    assert any("source sentence 1 and target sentence 3" in text.value for text in app.caption)
    app.segmented_control(key="sim_rivals").set_value("nav").run()
    app.slider(key="sim_layer").set_value(0).run()
    assert not app.exception
    assert app.number_input(key="sim_target").value == 3


def test_a_stored_table_without_a_measure_shows_the_others_and_how_to_get_it(monkeypatch):
    whole = vars(StoredLayers)["measures"].fget
    monkeypatch.setattr(StoredLayers, "measures", property(lambda layers: whole(layers)[["state", "layer", "hubness"]]))
    app = open_page("similarity", source="deu_Latn", target="eng_Latn")
    assert chart_count(app) == 1 + 3 + 1 + 1
    assert any("Effective rank" in text.value and "gallery --only layers" in text.value for text in app.caption)
