import time
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from neuronxa_core.analyses import projection, umap
from neuronxa_core.analyses.projection import find_projection
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.jobs import shared_queue
from neuronxa_core.numbers import score
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study
from tests.pages.app import chart_count, html, open_page, query_of, run_until, said


@pytest.fixture
def computed(study: Study) -> Study:
    """The study, with its states in the cache."""
    run_study(study, keep_states=True)
    return study


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """UMAP without UMAP: its own tests fit it."""
    monkeypatch.setattr(projection, "umap_layers", lambda stack, *_: umap.pca_layers(stack) * 2)


def test_pca_is_there_at_once_and_umap_takes_its_place_when_it_is_done(computed: Study, monkeypatch):
    go = Event()

    def when_told(stack, *_):
        assert go.wait(30)
        return umap.pca_layers(stack) * 2

    monkeypatch.setattr(projection, "umap_layers", when_told)
    app = open_page("projection", **query_of(computed))
    assert chart_count(app) == 1 + 2 + 2
    assert "Until it is done" in said(app)
    go.set()
    run_until(app, lambda: "Until it is done" not in said(app))
    assert chart_count(app) == 1 + 2 + 2
    for state in ("nas", "embedding"):
        assert find_projection(computed, find_layers(computed), state, ProjectionSettings()) is not None


def test_a_cancelled_fit_leaves_pca_and_can_be_started_again(computed: Study, monkeypatch):
    def never(stack, settings, watcher):
        while True:
            watcher.check()
            time.sleep(0.01)

    monkeypatch.setattr(projection, "umap_layers", never)
    app = open_page("projection", **query_of(computed))
    app.button(key="cancel").click().run()
    app.run()
    assert chart_count(app) == 1 + 2 + 2
    assert app.button(key="proj_run").label == "Compute UMAP"
    app.button(key="proj_run").click().run()
    assert "Until it is done" in said(app)
    app.button(key="cancel").click().run()
    assert shared_queue().look("nobody") is None


def test_pca_by_choice_computes_no_umap_and_one_state_is_one_panel(computed: Study):
    app = open_page("projection", **query_of(computed))
    app.segmented_control(key="proj_method").set_value("pca").run()
    assert "Until it is done" not in said(app)
    app.button_group(key="proj_states").set_value(["embedding"]).run()
    assert chart_count(app) == 1 + 1 + 2
    app.slider(key="proj_layer").set_value(0).run()
    assert not app.exception
    app.button_group(key="proj_states").set_value(["nas", "nav"]).run()
    assert app.slider(key="proj_layer").value == 1
    assert chart_count(app) == 1 + 2 + 2


def test_a_chosen_pair_shows_both_sentences_and_its_numbers(computed: Study):
    app = open_page("projection", **query_of(computed))
    app.segmented_control(key="proj_method").set_value("pca").run()
    assert "class='nx-sentence'" not in html(app)
    app.number_input(key="proj_pair").set_value(3).run()
    assert not app.exception
    german = (Path(computed.corpus) / "deu_Latn.txt").read_text(encoding="utf-8").splitlines()[2]
    assert german in html(app)
    layer: Any = app.slider(key="proj_layer").value
    expected = find_layers(computed).similarity("nas", layer)[2, 2]
    assert f">{score(expected, 3)}</span></td>" in html(app)


def test_without_states_it_invites_to_run(tiny_model, tiny_corpus):
    app = open_page(
        "projection", **query_of(Study(str(tiny_model("llama")), str(tiny_corpus), "fra_Latn", "eng_Latn", pairs=8))
    )
    assert chart_count(app) == 0
    assert app.button(key="run").label == "Run"
