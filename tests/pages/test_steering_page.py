"""The Steering page: precomputed for the demo, run for anything else, and what a cancelled run leaves."""

import re

import pytest

from neuronxa_core.analyses.steering import Steering
from neuronxa_core.errors import Cancelled
from neuronxa_core.study.study import Study
from tests.analyses.test_steering import StopAt
from tests.pages.app import chart_count, html, open_page, query_of, run_until, said


def test_the_demo_has_its_steering_at_once():
    app = open_page("steering")
    assert not app.exception
    assert "precomputed" in said(app)
    assert "moves the language beyond the controls" in said(app)
    assert "The identifier knows 31 languages" in said(app)
    assert chart_count(app) == 2
    assert "<th>Unsteered</th><th>Steered</th><th>Random</th>" in html(app)
    assert html(app).count("<td dir='ltr' lang='de'>") == 20
    assert "<strong>" not in html(app)  # what the model writes is no markup


def test_what_a_cancelled_run_measured_stays_and_the_rest_is_run(study: Study):
    with pytest.raises(Cancelled):
        Steering(study).run(StopAt("random direction 1, strength 2"))
    app = open_page("steering", **query_of(study))
    assert not app.exception
    assert "partial" in said(app)
    assert chart_count(app) == 2
    app.button(key="run").click().run()
    run_until(app, lambda: "fresh" in said(app))
    assert len(app.dataframe[0].value) == 19


def test_choices_are_in_the_link_and_those_that_do_not_fit_are_a_sentence(study: Study):
    app = open_page("steering", **query_of(study), ste_controls="1", ste_prompts="2")
    assert re.search(r"\d+ sentences to run through .* and 280 tokens to write, about", said(app))  # 7 x 2 x 20
    assert "7 conditions: unsteered, and 3 strengths × (DiffMean and 1 random direction)" in said(app)
    app.multiselect(key="ste_strengths").set_value([]).run()
    assert "There is no strength" in app.info[0].value
