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
    assert chart_count(app) == 2
    assert {"Neurons of", "Random"} <= {str(name) for name in app.dataframe[0].value.columns} or len(app.dataframe) == 2


def test_a_run_draws_the_matrix(study: Study):
    app = open_page("interventions", **query_of(study))
    assert not app.exception
    assert "27 passes over 4 sentences each: 3 sets × 3 languages" in said(app)
    app.button(key="run").click().run()
    run_until(app, lambda: "fresh" in said(app))
    assert chart_count(app) == 2


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
