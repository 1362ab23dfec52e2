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


def test_any_model_is_measured_with_a_word_list_of_ones_own(tiny_model, tiny_corpus: Path):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "pairs": "8", "lat_shots": "2"}
    app = open_page("latent_language", **query, source="deu_Latn", target="fra_Latn", lat_words=str(WORDS))
    assert "6 sentences to run" in said(app)
    app.button(key="run").click().run()
    wait_for_charts(app, 2)  # the curves, and the only target of this list across languages
    assert "5 words of 7 count." in said(app)
