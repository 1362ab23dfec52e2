"""The Settings page: precomputed for the demo, run for anything else, pivots and pairs."""

import pytest

from neuronxa_core.analyses.settings import run_ablation
from neuronxa_core.gallery.read import LAYERED, precomputed_layers
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.study import Study
from tests.pages.app import chart_count, open_page, query_of, run_until, said, wait_for_charts


def test_the_demo_has_its_ablation_at_once():
    app = open_page("settings")
    assert "NASCA is 0.65 with the study's own choices" in said(app)
    assert chart_count(app) == 3
    own = app.dataframe[0].value.query("change == 'As in the study'").set_index("state")
    by_layer = precomputed_layers(app.session_state.study).measures.groupby("state")["cka"].mean()
    assert own["cka"].tolist() == pytest.approx([by_layer[state] for state in STATES], abs=1e-5)
    assert "pairs rank the 30 languages" in said(app)
    app.segmented_control(key="set_state").set_value("embedding").run()
    assert not app.exception
    assert "MEXA is" in said(app)


def test_another_language_is_an_invitation_and_a_pivot_keeps_the_picture():
    app = open_page("settings", source="ita_Latn")
    assert "ita_Latn" not in LAYERED
    assert "8 readouts of the model, all from one pass per language" in said(app)
    app = open_page("settings")
    app.multiselect(key="set_pivots").set_value(["fra_Latn"]).run()
    assert "Not computed yet" not in said(app)
    assert chart_count(app) == 3
    assert "Target French" in app.dataframe[0].value["change"].tolist()


def test_a_pivot_that_is_not_there_is_named_above_the_picture(tiny_model, tiny_corpus):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "fra_Latn", "eng_Latn", pairs=6)
    run_ablation(study)
    app = open_page("settings", **query_of(study))
    assert chart_count(app) == 2
    app.multiselect(key="set_pivots").set_value(["deu_Latn"]).run()
    assert chart_count(app) == 2
    assert "Still to compute: German, about 1 second" in said(app)
    app.button(key="run").click().run()
    run_until(app, lambda: "Target German" in app.dataframe[0].value["change"].tolist())
    assert "Still to compute: German" not in said(app)
    assert app.dataframe[0].value["cka"].isna().all()
    app.button(key="run_space").click().run()
    run_until(app, lambda: "where the table has a dash" not in said(app))
    measured = app.dataframe[0].value.set_index("change")["cka"]
    assert measured[["As in the study", "Target German"]].notna().all()
    assert measured[["Best layer"]].isna().all()


def test_a_run_draws_the_choices(tiny_model, tiny_corpus):
    app = open_page(
        "settings",
        model=str(tiny_model("llama")),
        corpus=str(tiny_corpus),
        source="fra_Latn",
        target="eng_Latn",
        pairs="6",
    )
    app.button(key="run").click().run()
    wait_for_charts(app, 2)
    assert "with the study's own choices" in said(app)
