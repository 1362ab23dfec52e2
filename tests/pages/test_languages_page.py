from pathlib import Path

from neuronxa_core.analyses.languages import find_language_matrix, run_language_matrix
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import known_languages, language
from neuronxa_core.gallery.read import gallery_studies, precomputed_matrix
from neuronxa_core.study.study import Study
from tests.pages.app import chart_count, open_page, query_of, run_until, said

CODES = ("deu_Latn", "eng_Latn", "fra_Latn")


def test_the_precomputed_matrix_is_there_at_once():
    app = open_page("languages")
    assert chart_count(app) == 3
    assert "precomputed" in said(app)
    matrix = precomputed_matrix(gallery_studies()[0])
    pairs = matrix.pairs("nas").sort_values("score", ascending=False, kind="stable")
    shown = app.dataframe[0].value
    assert shown["Score"].tolist() == pairs["score"].tolist()
    assert shown["Language"].tolist() == [language(code).name for code in pairs["source"]]


def test_state_layer_order_and_pivot_change_the_view(study: Study):
    matrix = run_language_matrix(study, CODES)
    app = open_page("languages", **query_of(study))
    app.segmented_control(key="lang_state").set_value("embedding").run()
    app.select_slider(key="lang_layer").set_value("0").run()
    app.selectbox(key="lang_order").set_value("family").run()
    app.selectbox(key="lang_pivot").set_value("fra_Latn").run()
    assert not app.exception
    assert sorted(app.dataframe[0].value["Score"]) == sorted(matrix.pairs("embedding", 0)["score"])
    assert "By embedding at layer 0" in said(app)
    assert "closest to French" in said(app)
    app.segmented_control(key="lang_state").set_value("nas").run()
    assert not app.exception
    assert app.select_slider(key="lang_layer").value == "mean"


def test_a_run_draws_the_matrix_and_a_second_visit_is_answered_from_the_cache(study: Study):
    app = open_page("languages", **query_of(study))
    assert "24 sentences" in said(app)
    app.button(key="run").click().run()
    run_until(app, lambda: "fresh" in said(app))  # what is there before is of two languages
    assert chart_count(app) == 3
    assert find_language_matrix(study, CODES) is not None
    again = open_page("languages", **query_of(study))
    assert chart_count(again) == 3
    assert "cached" in said(again)


def test_fewer_languages_can_be_chosen_and_one_is_not_enough(study: Study):
    app = open_page("languages", **query_of(study))
    app.multiselect(key="lang_codes").set_value(["deu_Latn", "fra_Latn"]).run()
    assert "16 sentences" in said(app)
    app.multiselect(key="lang_codes").set_value(["deu_Latn"]).run()
    assert not app.exception
    assert "at least two languages" in app.info[0].value


def test_one_language_more_keeps_the_matrix_and_is_named_until_it_is_there(study: Study, tiny_corpus: Path):
    for code in ("ita_Latn", "spa_Latn"):
        lines = [f"{code} {letter * 2} {number}" for number, letter in enumerate("abcdefgh")]
        (tiny_corpus / f"{code}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run_language_matrix(study, CODES)
    app = open_page("languages", **query_of(study))
    assert app.multiselect(key="lang_codes").value == list(CODES)  # those with an answer, of five
    assert chart_count(app) == 3
    app.multiselect(key="lang_codes").set_value([*CODES, "ita_Latn"]).run()
    assert chart_count(app) == 3
    assert len(app.dataframe[0].value) == 3
    assert "3 languages, each against every other" in said(app)
    assert "Still to compute: Italian, about 1 second" in said(app)
    assert "partial" in said(app)
    app.button(key="run").click().run()
    run_until(app, lambda: len(app.dataframe[0].value) == 6)
    assert "Still to compute" not in said(app)
    app.button(key="lang_codes_all").click().run()
    assert "Still to compute: Spanish" in said(app)
    assert len(app.dataframe[0].value) == 6


def test_a_corpus_of_many_languages_starts_with_the_pair(tiny_model):
    study = Study(str(tiny_model("llama")), "everyday", "deu_Latn", "eng_Latn", pairs=4)
    app = open_page("languages", **query_of(study))
    assert app.multiselect(key="lang_codes").value == ["eng_Latn", "deu_Latn"]
    assert "8 sentences" in said(app)
    app.selectbox(key="study_source").set_value("swh_Latn").run()
    assert app.multiselect(key="lang_codes").value == ["eng_Latn", "swh_Latn"]
    app.multiselect(key="lang_codes").set_value(["eng_Latn", "swh_Latn", "yor_Latn"]).run()
    app.selectbox(key="study_source").set_value("deu_Latn").run()
    assert app.multiselect(key="lang_codes").value == ["eng_Latn", "swh_Latn", "yor_Latn"]  # the viewer's own choice


def test_some_of_the_precomputed_languages_need_no_run():
    app = open_page("languages")
    app.multiselect(key="lang_codes").set_value(["deu_Latn", "fra_Latn", "spa_Latn"]).run()
    assert chart_count(app) == 3
    assert "3 languages, each against every other" in said(app)
    assert len(app.dataframe[0].value) == 3


def test_a_chosen_pair_becomes_the_study_on_the_alignment_page(study: Study):
    run_language_matrix(study, CODES)
    app = open_page("languages", **query_of(study))
    app.session_state["lang_pair"] = ("fra_Latn", "deu_Latn")
    app.run()
    assert not app.exception
    assert app.title[0].value == "Alignment by layer"
    assert app.selectbox(key="study_source").value == "fra_Latn"
    assert app.selectbox(key="study_target").value == "deu_Latn"


def test_a_model_that_is_not_there_is_a_sentence(tiny_corpus):
    app = open_page("languages", **query_of(Study("/no/such/model", str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)))
    app.button(key="run").click().run()
    run_until(app, lambda: app.error)
    assert "no model at" in " ".join(error.value for error in app.error)


def test_more_languages_than_have_room_are_found_by_name(tiny_model, tmp_path: Path):
    corpus = tmp_path / "many"
    corpus.mkdir()
    for place, code in enumerate(known_languages()[:42]):
        (corpus / f"{code}.txt").write_text(f"It is {place}.\nWas it {'so ' * (place % 5)}?\n")
    codes = open_corpus(str(corpus)).languages
    study = Study(str(tiny_model("llama")), str(corpus), codes[0], codes[1], pairs=2)
    run_language_matrix(study, codes)
    app = open_page("languages", **query_of(study))
    assert "over all layers" in said(app)
    assert len(app.dataframe[0].value) == 42 * 41 // 2
    app.multiselect(key="lang_find").set_value([codes[5]]).run()
    assert not app.exception
    shown = app.dataframe[0].value
    assert len(shown) == 41
    assert ((shown["Language"] == language(codes[5]).name) | (shown["with"] == language(codes[5]).name)).all()
