"""Glossary: what the terms mean, each with a link of its own."""

import streamlit as st

from neuronxa_core.figures.method import shown as _steps  # noqa: F401 - registers its answer
from neuronxa_core.figures.shown import exportables_of
from neuronxa_core.gallery.method import method_request, precomputed_method
from neuronxa_core.interface import tr
from neuronxa_core.settings import ASSETS
from pages.learn.told import question
from pages.shared import glossary, link, look, stage
from pages.shared.glossary import Term


def chosen_term() -> Term | None:
    """The term in the link, else the one that was open last, or None. A line says that a term is unknown."""
    asked = st.query_params.get("term") or st.session_state.get("glossary_term")
    term = glossary.terms().get(asked or "")
    if asked and not term:
        st.info(tr("The glossary has no entry {term}.", term=look.plain(asked)), icon=":material/link_off:")
    st.session_state.glossary_term = term.slug if term else None
    if term and st.query_params.get("term") != term.slug:
        st.query_params["term"] = term.slug
    return term


def open_term(slug: str) -> None:
    """Opens an entry from the next rerun on, and ends a search."""
    st.query_params["term"] = slug
    st.session_state.glossary_search = ""


def show(term: Term) -> None:
    """Draws an entry with its picture."""
    with st.container(key="glossary_text", border=True):
        st.header(term.name, anchor=False)
        text, picture = st.columns([1, 1.3] if term.picture else [1, 0.01], gap="large")
        with text:
            st.markdown(f"**{term.sentence}**")
            st.markdown(glossary.linked(term.longer, "glossary", without=term.slug))
            st.caption(tr("Source: {source}", source=term.source))
        example = precomputed_method(method_request()) if term.picture else None
        if example:
            with picture:
                exportable = exportables_of(example)[term.picture]
                stage.keeps_its_languages()
                look.picture(exportable, f"glossary_{term.picture}")
                st.caption(exportable.title)


def show_list(found: list[Term]) -> None:
    """Draws entries, each with a button that opens it and its sentence."""
    with st.container(key="glossary_list"):
        for term in found:
            with st.container(gap=None):
                st.button(
                    f"**{term.name}**",
                    f"glossary_go_{term.slug}",
                    type="tertiary",
                    on_click=open_term,
                    args=(term.slug,),
                )
                st.caption(term.sentence)


st.title(tr("Glossary"))
question(tr("What does a term mean, and where does it come from?"))
st.html(ASSETS / "guide_links.html", unsafe_allow_javascript=True)
with st.container(horizontal=True, vertical_alignment="bottom"):
    words = st.text_input(
        tr("Search"), key="glossary_search", placeholder=tr("Search all terms"), label_visibility="collapsed"
    ).strip()
    link.copy_link()
term = chosen_term()
if term and not words:
    show(term)
found = [each for each in glossary.terms().values() if each.has(words.split())]
if not found:
    st.info(tr("No entry contains {words}.", words=look.plain(words)), icon=":material/search_off:")
show_list(found)
