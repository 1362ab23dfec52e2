"""The Claims page: the demo's verdicts at once, a run for anything else, and uploaded accuracies for claim 6."""

from neuronxa_core.corpora.uploads import keep_accuracies
from neuronxa_core.gallery.answers import find
from neuronxa_core.study.study import Study
from tests.pages.app import chart_count, open_page, query_of, run_until, said


def test_the_demo_has_its_verdicts_at_once_and_nothing_is_confirmed():
    app = open_page("claims")
    text = said(app)
    assert "precomputed" in text
    assert [f"### {number}. " in text for number in range(1, 8)] == [True] * 7
    assert "There are no accuracies of this model." in text
    assert "FLORES-200 and Tatoeba are not measured here" in text
    assert "confirmed" not in text
    assert chart_count(app) == 6  # two models, and a picture for each of claims 1 to 5
    app.segmented_control(key="claims_over").set_value("mean").run()
    assert "precomputed" in said(app)
    assert "NASCA of head languages minus that of long-tail languages: +39.0" in said(app)

    app = open_page("claims", present="1")  # the first figure is folded away on the page
    assert chart_count(app) == 1
    assert [box.label for box in app.expander if box.get("plotly_chart")] == []


def test_a_run_judges_another_model(study: Study):
    app = open_page("claims", **query_of(study))
    app.button(key="run").click().run()
    run_until(app, lambda: "fresh" in said(app))
    assert "The corpus has no long-tail languages here." in said(app)


def test_uploaded_accuracies_decide_claim_6():
    """Accuracies that follow MEXA exactly: the paper's claim does not hold, and NASCA's picture is drawn."""
    from neuronxa_core.analyses.asymmetry import Asymmetry
    from neuronxa_core.gallery.read import gallery_studies

    studies = gallery_studies()
    results = find(Asymmetry(studies[0], tuple(each.source for each in studies))).answer.results
    rows = "".join(f"{each.study.source},{each.mean('embedding')}\n" for each in results)
    name = keep_accuracies({"mine.csv": f"language,accuracy\n{rows}".encode()})
    app = open_page("claims", claims_accuracies=name)
    text = said(app)
    assert "no accuracies" not in text
    assert "minus that of MEXA: \N{MINUS SIGN}0.04" in text
    assert chart_count(app) == 7
