"""One page, one precision: what is computed beside an answer is computed in the answer's dtype, and the line names it."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import auto_is
from tests.pages.test_pages import open_page, wait_for_charts

LINE = re.compile(r"dtype (\w+)")
ITALIAN = {"source": "ita_Latn"}
"""Its scores came with the dashboard; its similarities, its projection and its ablation did not."""


@pytest.fixture(autouse=True)
def computes_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here `auto` is another precision than that of the gallery."""
    auto_is("bfloat16", monkeypatch)


def said(app: AppTest) -> str:
    return "\n".join(str(part.value) for part in (*app.markdown, *app.caption, *app.info))


def shown(app: AppTest) -> list[str]:
    """The dtypes that the study lines on the page name."""
    return LINE.findall("\n".join(text.value for text in app.markdown if "&nbsp;·&nbsp; site" in text.value))


def invited(app: AppTest) -> list[str]:
    """The dtypes in which the invitations on the page would run."""
    return re.findall(r"parameters in (\w+)", said(app))


def asked(app: AppTest) -> set[str]:
    """The dtypes of all that this session asked for and did not find in the cache."""
    return {part.dtype for request in app.session_state.absent for part in _studies(request)}


def _studies(request: object) -> list:
    if hasattr(request, "dtype"):
        return [request]
    return [study for part in request for study in _studies(part)] if isinstance(request, tuple) else []


@pytest.mark.parametrize("name", ["similarity", "projection", "settings"])
def test_what_is_missing_of_a_precomputed_study_is_computed_in_its_precision(name: str):
    app = open_page(name, **ITALIAN)
    assert shown(app) == ["float32"]
    assert invited(app) == ["float32"]


def test_the_same_page_in_bfloat16_is_in_bfloat16_throughout():
    app = open_page("similarity", **ITALIAN, dtype="bfloat16")
    assert shown(app) == invited(app) == ["bfloat16"]


def test_tokens_are_read_in_the_precision_of_the_rates():
    app = open_page("neurons")
    assert shown(app) == ["float32"]
    assert invited(app) == ["float32"]


def test_other_pivots_and_the_pairs_needed_are_in_the_precision_of_the_ablation():
    app = open_page("settings")
    app.multiselect(key="set_codes").set_value(["deu_Latn", "fra_Latn", "ita_Latn"]).run()
    assert invited(app) == ["float32"]
    app.multiselect(key="set_pivots").set_value(["fra_Latn"]).run()
    assert shown(app) == invited(app) == ["float32"]


def test_a_cell_of_the_matrix_opens_its_pair_in_the_precision_of_the_matrix():
    app = open_page("languages")
    assert shown(app) == ["float32"]
    app.session_state["lang_pair"] = ("fra_Latn", "deu_Latn")
    app.run()
    assert app.title[0].value == "Alignment by layer"
    assert app.selectbox(key="study_dtype").value == "float32"
    assert shown(app) == invited(app) == ["float32"]
    assert app.query_params["dtype"] == "float32"


@pytest.mark.parametrize("name", ["alignment", "languages", "neurons", "settings", "downstream", "asymmetry"])
def test_nothing_that_is_not_precomputed_is_asked_for_under_auto(name: str, tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    app = open_page(name, **query, pairs="6")
    assert app.session_state.study.dtype == "auto"
    assert asked(app) == {"bfloat16"}
    assert shown(app) == ["bfloat16"]


def test_auto_and_the_dtype_that_it_is_are_one_question(tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    app = open_page("alignment", **query, pairs="6")
    app.button(key="run").click().run()
    wait_for_charts(app, 1)
    assert "fresh" in said(app)
    app.selectbox(key="study_dtype").set_value("bfloat16").run()
    assert "fresh" in said(app)
    app.selectbox(key="study_dtype").set_value("float32").run()
    assert shown(app) == ["float32"]
    assert "Not computed yet" in said(app)
