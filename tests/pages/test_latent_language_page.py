"""The Latent language page: precomputed for the demo model, run for any other, and its controls."""

from pathlib import Path

from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.figures.latent_language import latent_finding
from neuronxa_core.gallery.latent import lens_request as first_prompt
from neuronxa_core.gallery.latent import precomputed_latent, precomputed_lens
from neuronxa_core.study.study import Study
from tests.pages.app import chart_count, open_page, said, wait_for_charts
from tests.words import WORDS


def test_it_opens_with_the_precomputed_detour_and_grid():
    """The default study's target is English, so the page asks for French."""
    app = open_page("latent_language")
    answer = precomputed_latent(LatentLanguage(Study("demo", "everyday", "deu", "fra")))
    assert answer is not None
    assert precomputed_lens(first_prompt()) is not None
    assert chart_count(app) == 3
    assert latent_finding(answer) in said(app)
    assert app.selectbox(key="lat_target").value == "fra_Latn"
    assert "typed_use" not in [button.key for button in app.button]  # sentences are not what is read here


def test_a_pivot_that_is_the_source_is_told_in_a_sentence():
    app = open_page("latent_language")
    app.selectbox(key="lat_pivot").set_value("deu_Latn").run()
    assert "The pivot deu_Latn is the source already." in said(app)


def test_a_word_list_of_two_languages_lacks_a_third(tmp_path: Path):
    two = tmp_path / "two.tsv"
    two.write_text("eng\tdeu\nwater\tWasser\ntree\tBaum\n", encoding="utf-8")
    (refused,) = open_page("latent_language", lat_words=str(two)).error
    assert refused.value.startswith("two.tsv has only two languages. Add a third")


def test_any_model_is_measured_with_a_word_list_of_ones_own(tiny_model, tiny_corpus: Path):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "pairs": "8", "lat_shots": "2"}
    app = open_page("latent_language", **query, source="deu_Latn", target="fra_Latn", lat_words=str(WORDS))
    assert "6 sentences to run" in said(app)
    app.button(key="run").click().run()
    wait_for_charts(app, 2)  # the curves, and the only target of this list across languages
    assert "5 words of 7 count." in said(app)


def test_every_choice_is_in_the_link_and_a_link_opens_the_same_view():
    app = open_page("latent_language", lat_source="fra_Latn", lat_target="deu_Latn")
    answer = precomputed_latent(LatentLanguage(Study("demo", "everyday", "fra", "deu")))
    assert answer is not None
    assert latent_finding(answer) in said(app)
    app.selectbox(key="lat_target").set_value("spa_Latn").run()
    app.selectbox(key="lat_pivot").set_value("ita_Latn").run()
    link = {name: text if isinstance(text, str) else text[0] for name, text in app.query_params.items()}
    assert link.items() >= {"lat_source": "fra_Latn", "lat_target": "spa_Latn", "lat_pivot": "ita_Latn"}.items()
    line = "{target}: {answer} = {answer}"
    again = open_page("latent_language", **link, lat_shots="2", lat_seed="7", lat_task="Repetition", lat_template=line)
    for key in ("lat_source", "lat_target", "lat_pivot"):
        assert again.selectbox(key=key).value == app.selectbox(key=key).value
    assert again.slider(key="lat_shots").value == 2
    assert again.number_input(key="lat_seed").value == 7
    assert again.text_input(key="lat_template").value == line
    assert again.segmented_control(key="lat_task").value == "repetition"


def test_another_pair_in_the_sidebar_takes_the_place_of_the_link_s():
    app = open_page("latent_language", lat_target="spa_Latn")
    app.selectbox(key="study_source").set_value("fra_Latn").run()
    assert app.selectbox(key="lat_source").value == "fra_Latn"
    assert app.selectbox(key="lat_target").value != "spa_Latn"
    assert "lat_target" not in app.query_params
