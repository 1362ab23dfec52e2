"""The Interventions page: precomputed for the demo, run for anything else, and what a cancelled run leaves."""

import pytest

from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.errors import Cancelled
from neuronxa_core.study.study import Study
from tests.analyses.test_interventions import StopAfter
from tests.pages.app import chart_count, open_page, query_of, run_until, said


def test_the_demo_has_its_interventions_at_once():
    app = open_page("interventions")
    assert not app.exception
    assert "precomputed" in said(app)
    assert "the diagonal stands out beyond the controls" in said(app)
    assert chart_count(app) == 3
    assert {"neurons_of", "control"} <= set(app.dataframe[0].value.columns)
    assert "NASCA of German and English is" in said(app)
    assert "This is one text, not a measurement." in said(app)
    assert [block.value.startswith("Eisen rostet in Meeresnähe schneller, weil …") for block in app.code] == [True] * 3


def test_a_run_draws_the_matrix(study: Study):
    app = open_page("interventions", **query_of(study))
    assert not app.exception
    assert "27 passes over 4 sentences each: 3 sets × 3 languages" in said(app)
    app.button(key="run").click().run()
    run_until(app, lambda: "fresh" in said(app))
    assert chart_count(app) == 2
    app.button(key="run_curves").click().run()
    run_until(app, lambda: chart_count(app) == 3)
    assert "NASCA of German and English is" in said(app)
    app.button(key="run_continued").click().run()
    run_until(app, lambda: "This is one text, not a measurement." in said(app))
    assert len(app.code) == 3
    assert "Model_fingerprint" not in said(app)
    tables = [set(map(str, table.value.columns)) for table in app.dataframe]
    assert {"Item", "Value"} in tables
    assert any({"unchanged", "changed", "change"} <= columns for columns in tables)


def test_a_typed_list_and_the_mean_in_a_language_are_in_the_link(study: Study):
    link = {"int_set": "A list of mine", "int_list": "1.3, 3.0, 2.x", "int_to": "the mean in French"}
    app = open_page("interventions", **query_of(study), **link)
    assert "'2.x' is not a layer and a neuron" in said(app)
    app.text_input(key="int_list").set_value("1.3, 3.0").run()
    assert "12 passes" not in said(app)
    assert "passes over 4 sentences each: 1 set × 3 languages" in said(app)
    assert app.selectbox(key="int_to").value == "fra_Latn"


def test_what_a_cancelled_run_measured_stays_on_the_page(study: Study):
    codes = ("deu_Latn", "eng_Latn", "fra_Latn")
    with pytest.raises(Cancelled):
        Interventions(study, codes).run(StopAfter(6))
    app = open_page("interventions", **query_of(study))
    assert not app.exception
    assert "Measured so far" in said(app)
    assert chart_count(app) >= 1


def test_choices_that_do_not_fit_together_are_a_sentence(study: Study):
    app = open_page("interventions", **query_of(study))
    app.number_input(key="int_first").set_value(3)
    app.number_input(key="int_last").set_value(1).run()
    assert "The layers cannot be 3-1" in app.info[0].value
    app.number_input(key="int_last").set_value(0)
    app.number_input(key="int_first").set_value(0)
    app.multiselect(key="int_codes").set_value(["deu_Latn"]).run()
    assert "at least two languages" in app.info[0].value
