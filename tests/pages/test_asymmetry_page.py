from neuronxa_core.analyses.asymmetry import gap_table, one_way_pairs
from neuronxa_core.gallery.read import precomputed
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from pages.shared.study_link import DEFAULT
from tests.pages.app import chart_count, open_page, run_until, said, table_rows


def test_it_shows_the_pair_and_every_language():
    app = open_page("asymmetry")
    assert chart_count(app) == 2
    assert any("30.73" in text.value for text in app.markdown)


def test_the_pairs_found_one_way_are_those_of_the_layer_with_who_took_their_place():
    app = open_page("asymmetry")
    app.slider(key="asym_layer_nas").set_value(4).run()
    expected = one_way_pairs(precomputed(DEFAULT), "nas", 4)
    rows = table_rows(app)
    assert [int(row[0]) for row in rows] == expected["pair"].tolist()
    assert all(row[4] != row[0] for row in rows)  # taken by another sentence


def test_another_state_has_its_own_layers():
    app = open_page("asymmetry")
    app.segmented_control(key="asym_state").set_value("embedding").run()
    assert app.slider(key="asym_layer_embedding").min == 0
    assert not app.exception


def test_the_gap_of_every_language_of_a_corpus_it_has_not_seen(tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "pairs": "8"}
    studies = [Study(query["model"], query["corpus"], code, "eng_Latn", 8) for code in ("deu_Latn", "fra_Latn")]
    result = run_study(studies[0])
    app = open_page("asymmetry", **query, source="deu_Latn", target="eng_Latn")
    assert chart_count(app) == 2  # with German, which is at hand
    assert "Still to compute: French, about 1 second" in said(app)
    assert "8 sentences to run" in said(app)
    app.button(key="run").click().run()
    run_until(app, lambda: len(app.dataframe[-2].value) == 2)
    shown = app.dataframe[-2].value
    expected = gap_table([result, run_study(studies[1])]).assign(language=["German", "French"], target="English")
    assert shown.round(9).to_dict("records") == expected.round(9).to_dict("records")


def test_the_gap_is_the_way_to_english_minus_the_way_back_whichever_way_the_study_goes():
    app = open_page("asymmetry", source="eng_Latn", target="fra_Latn")
    assert chart_count(app) == 2
    assert app.dataframe[-2].value["target"].unique().tolist() == ["English"]
