"""The Items page: a run for single sentences, and uploaded questions."""

from neuronxa_core.study.study import Study
from tests.pages.app import chart_count, open_page, query_of, run_until, said
from tests.test_commands import CHOICES


def test_a_run_draws_the_correlations_over_pairs(study: Study):
    app = open_page("items", **query_of(study))
    app.button(key="run").click().run()
    run_until(app, lambda: "fresh" in said(app))
    assert chart_count(app) == 1
    assert "arXiv:2504.09378" in said(app).replace("\\", "")
    app.segmented_control(key="items_side").set_value("source").run()
    assert chart_count(app) == 1


def test_questions_are_brought_and_run(study: Study):
    app = open_page("items", **query_of(study))
    app.segmented_control(key="items_kind").set_value("choices").run()
    assert "Bring questions with two to four choices" in app.info[0].value
    app.file_uploader(key="items_files").set_value([(CHOICES.name, CHOICES.read_bytes(), "text/csv")]).run()
    app.button(key="run").click().run()
    run_until(app, lambda: "fresh" in said(app))
    assert "Of 8 questions" in said(app)
    assert chart_count(app) == 1
