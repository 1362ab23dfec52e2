"""The glossary: its entries are complete, its links open them, and pages explain a term where they first use it."""

import re

import pytest

from neuronxa_core.figures.method import shown as _steps  # noqa: F401 - registers its answer
from neuronxa_core.figures.shown import exportables_of
from neuronxa_core.gallery.method import method_request, precomputed_method
from pages.shared import glossary, look
from tests.pages.app import chart_count, html, open_page, page_file, said

REQUIRED = (
    "neuron, FFN, gate, activation, layer, hidden state, embedding, token, NAS, NAV, NASCA, NAVCA, MEXA, pooling, "
    "cosine similarity, nearest neighbour, weak alignment, P@1, chance, interval, anisotropy, hubness, "
    "head and long-tail, fertility, bits per byte, UMAP, LAPE"
)
EXPLAINED = [
    "alignment",
    "asymmetry",
    "claims",
    "data",
    "downstream",
    "interventions",
    "languages",
    "latent_language",
    "method",
]
EXPLAINED += ["models", "neurons", "primer", "projection", "settings", "similarity"]
NO_TERMS = {"ACL", "CSV", "ICANN", "JMLR", "JSONL", "MB", "PEFT", "PO", "TMX", "TSV"}
"""Conferences, formats and units."""
NAMED = {"ARC", "FLORES", "FLORES-200", "GELU", "GGUF", "MMLU", "NTREX-128", "S22", "XCOPA", "XLM-R", "XNLI"}
"""Models, formats, functions and data sets, which have names of their own."""


def test_every_term_is_there_and_complete():
    assert set(map(glossary.slug_of, REQUIRED.split(", "))) <= set(glossary.terms())
    assert len(re.findall(r"^## ", look.text("glossary"), re.M)) == len(glossary.terms())  # none is cut off
    assert list(glossary.terms()) == sorted(glossary.terms())
    pictures = set(exportables_of(precomputed_method(method_request())))
    for term in glossary.terms().values():
        assert term.sentence.endswith("."), term.slug
        assert len(term.sentence.split()) <= 30, term.slug
        assert '"' not in term.sentence, term.slug  # it is the title of a link
        assert 20 <= len(term.longer.split()) <= 60, term.slug
        assert re.search(r"\b(19|20)\d\d\b", term.source), term.slug
        assert term.picture in {"", *pictures}, term.slug


def test_every_abbreviation_that_a_page_uses_in_its_reading_is_known():
    known = {name for term in glossary.terms().values() for name in term.names}
    for name in EXPLAINED:
        prose = re.sub(r"\]\([^)]*\)|\$\$.*?\$\$|\[(arXiv|doi).*?\]|`[^`]*`", "", look.text(name))
        used = set(re.findall(r"(?<![\w-])[A-Z][A-Z@-]*[A-Z0-9]+(?![\w-])", prose))
        assert used - NO_TERMS - NAMED <= known, name


def test_a_terms_first_use_is_a_link_that_says_its_sentence():
    glossary.begin()
    linked = glossary.linked("`NAS` NAS NAS, neurons of [NAV](x) $NAV$\n# FFN\n**P@1**, nav Neuron", "one")
    sentence = {slug: term.sentence for slug, term in glossary.terms().items()}
    assert linked == (
        f'`NAS` [NAS](glossary?term=nas "{sentence["nas"]}") NAS, '
        f'[neurons](glossary?term=neuron "{sentence["neuron"]}") of [NAV](x) $NAV$\n# FFN\n'
        f'**[P@1](glossary?term=p_at_1 "{sentence["p_at_1"]}")**, nav Neuron'
    )


def test_a_page_explains_a_term_once_and_a_fragment_drawn_again_explains_it_there():
    app = open_page("alignment")
    assert said(app).count("?term=nasca ") == 1
    app = open_page("method")
    where = [each.value for each in app.markdown if "?term=nas " in each.value]
    assert len(where) == 1
    app.select_slider(key="met_layer").set_value(9).run()
    assert [each.value for each in app.markdown if "?term=nas " in each.value] == where


@pytest.mark.parametrize(("slug", "charts"), [("p_at_1", 1), ("umap", 0)])
def test_a_link_opens_its_entry(slug: str, charts: int):
    term = glossary.terms()[slug]
    app = open_page("glossary", term=slug)
    assert app.header[0].value == term.name
    assert f"**{term.sentence}**" in said(app)
    assert chart_count(app) == charts
    assert f"?term={slug} " not in said(app)  # no link to itself
    assert not app.toast


def test_the_search_looks_through_all_entries_and_a_button_opens_one():
    app = open_page("glossary", term="nobody")
    assert "no entry nobody" in app.info[0].value
    assert not app.header
    app.text_input(key="glossary_search").set_value("narrow CONE").run()
    assert [each.label for each in app.button if str(each.key).startswith("glossary_go_")] == ["**Anisotropy**"]
    app.button(key="glossary_go_anisotropy").click().run()
    assert app.header[0].value == "Anisotropy"
    assert app.query_params["term"] in ("anisotropy", ["anisotropy"])
    app.text_input(key="glossary_search").set_value("zebra crossing").run()
    assert "No entry contains zebra crossing" in app.info[0].value


def test_a_link_sets_the_language_of_menu_glossary_and_numbers():
    app = open_page("glossary", term="token", lang="de")
    assert app.title[0].value == "Glossar"
    assert app.header[0].value == "Token"
    assert "Das Stück Text" in said(app)
    assert "Maschinell übersetzt" in said(app)
    assert app.selectbox(key="lang").value == "de"
    assert dict(app.query_params)["lang"] in ("de", ["de"])
    app.switch_page(page_file("method")).run()
    assert app.title[0].value == "Methode"
    assert "Deutsch kostet 122 Tokens, Englisch 92: ein Verhältnis von 1,33." in said(app)
    app.selectbox(key="lang").set_value("en").run()
    assert app.title[0].value == "Method"
    assert "lang" not in app.query_params


def test_a_language_that_is_not_offered_is_refused_and_arabic_runs_from_right_to_left():
    app = open_page("glossary", lang="tlh")
    assert "lang = tlh" in app.toast[0].value
    assert app.title[0].value == "Glossary"
    assert "direction: rtl" not in html(app)
    app = open_page("glossary", lang="ar")
    assert app.title[0].value == "المسرد"
    assert "direction: rtl" in html(app)
    assert 'documentElement.lang = "ar"' in html(app)
