"""The Downstream page: bits at once, brought accuracies in every shape, and few languages."""

import json

import pandas as pd
import pytest
from scipy import stats
from streamlit.testing.v1 import AppTest

from neuronxa_core.corpora.uploads import open_accuracies
from neuronxa_core.gallery.read import gallery_results, precomputed_bits
from tests.pages.app import open_page, said, wait_for_charts


def tables(app: AppTest) -> dict[str, pd.DataFrame]:
    found = [frame.value for frame in app.dataframe]
    by_column = {"pearson": "measure", "accuracy": "nas_adjusted", "layer": "spearman_low"}
    return {
        name: next((table for table in found if {name, also} <= set(table.columns)), pd.DataFrame())
        for name, also in by_column.items()
    }


def bring(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    app.file_uploader(key="down_files").set_value([(name, content, "text/plain") for name, content in files]).run()
    return app.button(key="down_use").click().run()


def test_it_is_never_empty_the_demos_bits_are_there_at_once():
    app = open_page("downstream")
    table = tables(app)["accuracy"].set_index("language")
    bits = precomputed_bits(next(iter(gallery_results())))
    assert len(table) == len(gallery_results())
    assert table.loc["deu_Latn", "accuracy"] == bits["deu_Latn"]
    found = tables(app)["pearson"].set_index("measure")
    for measure, state in (("NASCA", "nas"), ("NAVCA", "nav"), ("MEXA", "embedding")):
        assert found.loc[measure, "pearson"] == pytest.approx(
            stats.pearsonr(table[state], -table["accuracy"]).statistic
        )
        assert found.loc[measure, "spearman"] == pytest.approx(
            stats.spearmanr(table[state], -table["accuracy"]).statistic
        )
    assert "correlates best with how well the model predicts the text" in said(app)


CODES = ["fr", "deu", "spa_Latn", "Italian", "pt", "rus_Cyrl", "ja", "sw"]


def accuracies(percent: bool = False) -> bytes:
    rows = [f"m,{code},XNLI,{(0.35 + 0.05 * place) * (100 if percent else 1)}" for place, code in enumerate(CODES)]
    return "\n".join(["model,language,benchmark,accuracy", *rows, "m,en,XNLI,", "m,klingon,XNLI,0.5"]).encode()


@pytest.mark.parametrize("percent", [False, True])
def test_a_table_of_accuracies_is_kept_and_its_link_opens_it_again(percent: bool):
    app = bring(open_page("downstream"), ("mine.csv", accuracies(percent)))
    assert not app.exception
    table = tables(app)["accuracy"].set_index("language")
    assert table.loc["fra_Latn", "accuracy"] == pytest.approx(0.35)
    assert set(table.index) == {
        "fra_Latn",
        "deu_Latn",
        "spa_Latn",
        "ita_Latn",
        "por_Latn",
        "rus_Cyrl",
        "jpn_Jpan",
        "swh_Latn",
    }
    assert table["nas_adjusted"].isna().all()  # the row of English is empty
    assert "unknown languages: klingon" in said(app)
    assert "8 languages against English" in said(app)
    assert "8 of 30 chosen languages have an accuracy here" in said(app)
    assert app.selectbox(key="down_benchmark").value == "XNLI"
    assert app.selectbox(key="down_model").value == "m"
    assert "These accuracies are of m, but alignment is measured in demo" in said(app)
    name = app.selectbox(key="down_source").value
    assert app.selectbox(key="down_source").options == ["Bits per byte", "mine (uploaded)"]
    again = open_page("downstream", down_source=name)
    assert tables(again)["accuracy"].set_index("language").loc["deu_Latn", "accuracy"] == pytest.approx(0.40)


def test_a_file_of_the_harness_with_two_benchmarks():
    results = {
        f"belebele_{code}": {"acc,none": 0.3 + place / 20}
        for place, code in enumerate(["eng_Latn", "fra_Latn", "deu_Latn"])
    }
    results |= {"xnli_fr": {"acc,none": 0.6}}
    app = bring(
        open_page("downstream"), ("results.json", json.dumps({"results": results, "model_name": "a/b"}).encode())
    )
    assert app.selectbox(key="down_benchmark").options == ["Belebele", "XNLI"]
    assert "2 languages have both a score and an accuracy; with fewer than 6, no correlation" in said(app)
    table = tables(app)["accuracy"]
    assert table["nas_adjusted"].tolist() == pytest.approx((table["nas"] * 0.3).tolist())
    app.selectbox(key="down_benchmark").set_value("XNLI").run()
    assert not app.exception
    assert "1 language has both a score and an accuracy" in said(app)


def test_languages_without_an_accuracy_are_told_and_one_language_is_enough_to_draw():
    app = bring(open_page("downstream"), ("mine.csv", b"language,accuracy\nfao,0.5\n"))
    assert "None of these languages has an accuracy here" in said(app)


@pytest.mark.parametrize("linked", ["deu_Latn", "German · Deutsch · deu_Latn"])
def test_a_link_names_languages_by_code_and_one_with_labels_still_opens(linked: str):
    app = open_page("downstream", down_codes=linked)
    assert not app.exception
    assert "1 language has both" in said(app)
    assert app.query_params["down_codes"] == "deu_Latn"
    app.multiselect(key="down_codes").set_value(["deu_Latn", "fra_Latn"]).run()
    assert app.query_params["down_codes"] == ["deu_Latn", "fra_Latn"]


def test_a_language_that_a_link_asks_for_in_vain_leaves_the_link():
    app = open_page("downstream", down_codes="xyz_Latn")
    assert len(app.multiselect(key="down_codes").value) == 30
    assert "down_codes" not in app.query_params


@pytest.mark.parametrize(("model", "warned"), [("google/gemma-3-270m", False), ("demo", False), ("other", True)])
def test_accuracies_of_another_model_are_warned_of(model: str, warned: bool):
    app = bring(open_page("downstream"), ("mine.csv", f"model,language,accuracy\n{model},deu,0.5\n".encode()))
    assert ("but alignment is measured in demo" in said(app)) == warned
    assert app.selectbox(key="down_benchmark").format_func("accuracy") == "not named"


def test_a_file_that_names_no_model_says_what_it_must_be_of():
    app = bring(open_page("downstream"), ("mine.csv", b"language,accuracy\ndeu,0.5\n"))
    assert "The file names no model" in said(app)


def test_what_is_no_accuracy_file_is_refused_in_place():
    app = bring(open_page("downstream"), ("notes.txt", b"some words"))
    assert "no column language" in said(app)
    assert app.selectbox(key="down_source").value == "bits per byte"


def test_a_run_measures_bits_and_scores_in_the_same_passes(tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "fra_Latn", "target": "eng_Latn"}
    app = open_page("downstream", pairs="4", **query)
    app.button(key="run").click().run()
    wait_for_charts(app, 3)
    assert not app.exception
    assert tables(app)["accuracy"]["accuracy"].gt(0).all()


def test_a_corpus_of_pairs_is_invited_to_run(tiny_model, tmp_path):
    for code in ("fra", "deu"):
        for side in (code, "eng"):
            (tmp_path / f"tatoeba.{code}-eng.{side}").write_text("\n".join(f"{side} {code} {i}" for i in range(6)))
    app = open_page(
        "downstream",
        model=str(tiny_model("llama")),
        corpus=str(tmp_path),
        source="fra_Latn",
        target="eng_Latn",
        pairs="4",
    )
    assert not app.error
    assert "16 sentences to run through" in said(app)


def test_accuracies_are_deleted_by_whoever_brought_them():
    app = bring(open_page("downstream"), ("mine.csv", accuracies()))
    name = app.selectbox(key="down_source").value
    assert open_accuracies(name)
    app.button(key="down_source_delete").click().run()
    assert not app.exception
    assert open_accuracies(name) is None
    assert app.selectbox(key="down_source").value == "bits per byte"
    assert name not in app.selectbox(key="down_source").options
    assert not [button for button in app.button if button.key == "down_source_delete"]


def test_two_accuracy_files_of_one_name_are_told():
    app = bring(open_page("downstream"), ("a.csv", accuracies()), ("a.csv", accuracies(percent=True)))
    assert "Two of these files are called a.csv" in app.error[0].value
