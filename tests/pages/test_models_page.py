"""The Models page: never empty, two ways at least, and a run for what is missing."""

from pathlib import Path

from neuronxa_core.settings import settings
from tests.pages.app import html, open_page, said, wait_for_charts


def test_it_opens_with_the_demo_at_both_sites():
    app = open_page("models")
    assert app.selectbox(key="cmp_variant").options == ["Activation (gate)", "Product (gate × up)"]
    assert "aligns best by NASCA over 30 languages" in said(app)
    summary = next(table.value for table in app.dataframe if "nas_cka" in table.value)
    assert 0.4 < summary["nas_cka"][0] < 0.8
    assert "nav_cka" not in summary
    app.segmented_control(key="cmp_state").set_value("nav").run()
    assert not app.exception
    assert "aligns best by NAVCA" in said(app)


def test_dtypes_are_precomputed_too_and_one_way_is_too_few():
    app = open_page("models")
    app.multiselect(key="cmp_sites").set_value(["gate"]).run()
    assert "1 variant is chosen. Choose 2 to 6" in said(app)
    app.multiselect(key="cmp_dtypes").set_value(["auto", "bfloat16"]).run()
    assert app.selectbox(key="cmp_variant").options == ["float32", "bfloat16"]
    assert not app.exception


def test_another_model_is_run_on_the_same_sentences(tiny_model, tiny_corpus):
    folder, other = str(tiny_model("llama")), str(tiny_model("qwen3"))
    app = open_page("models", model=folder, corpus=str(tiny_corpus), source="fra_Latn", target="eng_Latn", pairs="4")
    app.multiselect(key="cmp_models").set_value([folder, other]).run()
    assert "Not computed yet" in said(app)
    app.button(key="run").click().run()
    wait_for_charts(app, 2)
    assert not app.exception
    assert app.selectbox(key="cmp_variant").options == [Path(folder).name, Path(other).name]
    assert app.query_params["cmp_models"] == ["study", other]  # the study's own path stands in the link once
    assert "Contains a path on this computer (model, corpus, compared models)" in html(app)


def test_a_link_holds_codes_and_names_and_an_old_one_opens(tiny_model, monkeypatch):
    folder = str(tiny_model("qwen3"))
    monkeypatch.setenv("NEURONXA_MODELS", f"demo,{folder}")
    settings.cache_clear()
    app = open_page("models", cmp_models=["demo", Path(folder).name], cmp_sites="attention")
    assert app.multiselect(key="cmp_models").value == ["demo", folder]
    assert app.multiselect(key="cmp_sites").value == ["attention"]
    assert app.query_params["cmp_models"] == ["demo", Path(folder).name]
    old = open_page("models", cmp_models=["demo", folder])
    assert old.multiselect(key="cmp_models").value == ["demo", folder]
    usual = open_page("models", cmp_variant="product", cmp_reference="gate")
    assert usual.selectbox(key="cmp_variant").value == "product"
    assert not {"cmp_models", "cmp_sites", "cmp_variant"} & set(usual.query_params)


def test_a_list_of_checkpoints_becomes_a_curve(tiny_model, tiny_corpus):
    """The same checkpoint under two names: what the page does with a list, without another model to load."""
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    app = open_page("models", **query, pairs="8")
    app.segmented_control(key="cmp_what").set_value("revisions").run()
    assert "Name two revisions or more" in app.info[0].value
    app.text_input(key="cmp_revisions").set_value(".,./").run()
    app.button(key="run").click().run()
    wait_for_charts(app, 1)
    assert "NASCA goes from" in said(app)
