"""One page, one precision: what is computed beside an answer has the answer's dtype, and the line names it."""

import re
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from neuronxa_core.analyses.space_means import Space
from neuronxa_core.study.runner import run_against_target
from neuronxa_core.study.study import Study
from tests.conftest import auto_is
from tests.pages.app import open_page, said, wait_for_charts

LINE = re.compile(r"dtype (\w+(?: and \w+)*)")
ITALIAN = {"source": "ita_Latn"}
"""Its scores came with the dashboard; its similarities, its projection and its ablation did not."""


@pytest.fixture(autouse=True)
def computes_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here `auto` is another precision than that of the gallery."""
    auto_is("bfloat16", monkeypatch)


def shown(app: AppTest) -> list[str]:
    """The dtypes that the study lines on the page name."""
    return LINE.findall("\n".join(text.value for text in app.markdown if "&nbsp;·&nbsp; site" in text.value))


def invited(app: AppTest) -> list[str]:
    """The dtypes in which the invitations on the page would run."""
    return re.findall(r"parameters in (\w+)", said(app))


def asked(app: AppTest) -> list[str]:
    """The dtypes of all answers that this session asked for and did not find in the cache."""
    if "absent" not in app.session_state:
        return []
    answers = [request for request in app.session_state.absent if not isinstance(request, Space)]
    return sorted({dtype for request in answers for dtype in dtypes_of(request)})


def dtypes_of(request: Any) -> set[str]:
    return {study.dtype for study in getattr(request, "variants", None) or (request.study,)}


def _studies(request: object) -> list[Any]:
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
    app.multiselect(key="set_pivots").set_value(["fra_Latn"]).run()
    assert shown(app) == ["float32"]
    assert asked(app) == []
    assert invited(app) == ["float32"], "separability, ANC and CKA against French"


def test_a_cell_of_the_matrix_opens_its_pair_in_the_precision_of_the_matrix():
    app = open_page("languages")
    assert shown(app) == ["float32"]
    app.session_state["lang_pair"] = ("fra_Latn", "deu_Latn")
    app.run()
    assert app.title[0].value == "Alignment by layer"
    assert app.selectbox(key="study_dtype").value == "float32"
    assert shown(app) == ["float32"]
    assert "precomputed" in said(app)
    assert app.query_params["dtype"] == "float32"


@pytest.mark.parametrize("name", ["alignment", "languages", "neurons", "settings", "downstream", "asymmetry"])
def test_nothing_that_is_not_precomputed_is_asked_for_under_auto(name: str, tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    app = open_page(name, **query, pairs="6")
    assert app.session_state.study.dtype == "auto"
    assert asked(app) == ["bfloat16"]
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


def test_the_other_precision_is_offered_and_taking_it_changes_the_picker_and_the_link():
    app = open_page("alignment")
    assert shown(app) == ["float32"]
    assert "This page shows results in float32; `auto` on this machine is bfloat16." in said(app)
    app.button(key="compute_in").click().run()
    assert app.selectbox(key="study_dtype").value == "bfloat16"
    assert app.query_params["dtype"] == "bfloat16"
    assert shown(app) == ["bfloat16"]
    assert "`auto` on this machine is" not in said(app)


def test_nothing_is_offered_where_it_would_be_the_same_or_was_not_asked(monkeypatch: pytest.MonkeyPatch):
    assert "`auto` on this machine is" not in said(open_page("alignment", dtype="float32"))
    auto_is("float32", monkeypatch)
    assert "`auto` on this machine is" not in said(open_page("alignment"))
    assert "`auto` on this machine is" not in said(open_page("models"))


@pytest.mark.parametrize(
    ("sites", "dtype"),
    [
        (["gate", "attention"], "bfloat16"),  # one is missing in either: this machine's
        (["product", "attention"], "float32"),  # one is missing in float32, both in bfloat16
        (["gate", "product", "attention"], "float32"),
    ],
)
def test_variants_of_which_some_are_missing_run_and_show_in_one_precision(sites: list[str], dtype: str):
    app = open_page("models")
    app.multiselect(key="cmp_sites").set_value(sites).run()
    assert shown(app) == asked(app) == [dtype]
    assert set(invited(app)) == {dtype}, "the rest of the table, and the measures of the space for what is there"
    assert "Still to compute: attention" in said(app)
    assert app.button(key="run")


def test_variants_that_all_came_with_the_dashboard_stand_in_its_precision_and_the_other_is_offered():
    app = open_page("models")
    assert shown(app) == ["float32"]
    assert "precomputed" in said(app)
    app.button(key="compute_in").click().run()
    assert app.multiselect(key="cmp_dtypes").value == ["bfloat16"]
    assert app.session_state.study.dtype == "auto"
    assert shown(app) == invited(app) == ["bfloat16"]
    assert "Still to compute: product" in said(app)


def test_where_dtypes_are_compared_every_name_is_one():
    app = open_page("models")
    app.multiselect(key="cmp_sites").set_value(["gate"]).run()
    app.multiselect(key="cmp_dtypes").set_value(["auto", "bfloat16"]).run()
    assert app.selectbox(key="cmp_variant").options == ["float32", "bfloat16"]
    assert shown(app) == ["float32 and bfloat16"]
    assert "compute_in" not in [button.key for button in app.button]


def test_auto_beside_what_it_is_is_one_way(tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    app = open_page("models", **query, pairs="6")
    app.multiselect(key="cmp_dtypes").set_value(["auto", "bfloat16"]).run()
    assert "`auto` is bfloat16 here, so these variants are the same" in said(app)
    app.multiselect(key="cmp_dtypes").set_value(["auto", "float32"]).run()
    assert shown(app) == ["bfloat16 and float32"]


def test_results_that_are_in_the_cache_count_as_computed(tiny_model, tiny_corpus):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=6)
    both = [replace(study, site=site) for site in ("gate", "product")]
    codes = ("deu_Latn", "fra_Latn")
    query = {name: str(value) for name, value in study.fields.items() if value}
    assert variants(**query) == ["bfloat16"]
    run_against_target(replace(both[0], dtype="float32"), codes)
    assert variants(**query) == ["float32"]
    run_against_target(both[1], codes)
    assert variants(**query) == ["bfloat16"]


def variants(**query: str) -> list[str]:
    """The dtypes that the Models page takes for both sites of the study."""
    app = open_page("models", **query)
    app.multiselect(key="cmp_sites").set_value(["gate", "product"]).run()
    return shown(app)
