import time

import numpy as np
import pytest

from neuronxa_core.alignment.geometry import nearest_rivals
from neuronxa_core.alignment.result import Study
from neuronxa_core.alignment.study import find_layers, run_study
from tests.pages.test_pages import ROOT, open_page, table_rows


@pytest.fixture
def study(tiny_model, tiny_corpus) -> Study:
    return Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)


def open_similarity(study: Study):
    query = {"model": study.model, "corpus": study.corpus, "source": study.source, "target": study.target, "pairs": "8"}
    app = open_page("overview", **query)
    app.switch_page(str(ROOT / "pages" / "explore" / "similarity.py")).run()
    assert not app.exception
    return app


def test_it_shows_three_matrices_the_sentences_and_their_rivals(study: Study):
    result = run_study(study)
    app = open_similarity(study)
    assert len(app.get("plotly_chart")) == 1 + 3 + 1 + 3
    layer = result.peak("nas")[0]
    similarity = find_layers(study).similarity("nas", layer)
    targets, _ = nearest_rivals(similarity, 0)
    rivals = table_rows(app)[5:]  # five on the source side come first
    assert [int(row[0]) for row in rivals] == [row + 1 for row in targets]
    np.testing.assert_allclose([float(row[1]) for row in rivals], similarity[0][targets], atol=0.0005)
    assert any(f"Layer {layer}. NAS: " in text.value for text in app.markdown)


def test_another_layer_shows_its_own_numbers(study: Study):
    run_study(study)
    app = open_similarity(study)
    app.slider(key="sim_layer").set_value(0).run()
    assert not app.exception
    assert any(text.value.startswith("Layer 0. Embedding: ") for text in app.markdown)
    assert len(app.info) == 2


def test_a_warm_layer_change_does_not_recompute_the_space(study: Study, monkeypatch):
    from pages.shared import pairs

    run_study(study)
    app = open_similarity(study)
    monkeypatch.setattr(pairs, "space_measures", lambda *args: pytest.fail("computed twice"))
    app.slider(key="sim_layer").set_value(2).run()
    assert not app.exception


def test_without_states_it_invites_and_a_run_brings_the_page(study: Study):
    app = open_similarity(study)
    app.button(key="run").click().run()
    deadline = time.monotonic() + 60
    while not app.get("plotly_chart") and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    assert len(app.get("plotly_chart")) == 8
