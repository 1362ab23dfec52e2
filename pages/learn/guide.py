"""Guide: the documentation, one chapter at a time."""

import streamlit as st

from neuronxa_core.numbers import unbroken
from neuronxa_core.settings import ASSETS
from pages.learn.guide_chapters import Chapter, Hit, chapters, search
from pages.shared import link, look

_MOST_HITS = 20


def chosen_chapter() -> Chapter:
    """The chapter in the link, else the one that was open last, else the first."""
    offered = {chapter.slug: chapter for chapter in chapters()}
    first = next(iter(offered))
    asked = st.query_params.get("chapter") or st.session_state.get("guide_chapter", first)
    slug = asked if asked in offered else first
    st.session_state.link_view.pop("chapter", None)  # an unknown chapter is reported here
    if asked != slug:
        st.info(f"The guide has no chapter called {look.plain(asked)}. It starts here.", icon=":material/link_off:")
    st.session_state.guide_chapter = st.session_state.guide_select = slug
    if st.query_params.get("chapter") != slug:
        st.query_params["chapter"] = slug
    return offered[slug]


def open_chapter(slug: str) -> None:
    """Opens a chapter from the next rerun on, and ends a search."""
    st.query_params["chapter"] = slug
    st.session_state.guide_search = ""


def contents(current: Chapter) -> None:
    """Draws the list of chapters under their headings."""
    with st.container(key="guide_contents", gap=None):
        group = ""
        for chapter in chapters():
            if chapter.group != group:
                group = chapter.group
                st.caption(group)
            title = f":primary[**{chapter.title}**]" if chapter == current else chapter.title
            _button(chapter, title, f"guide_go_{chapter.slug}")


def box() -> None:
    """Draws the list of chapters as a box, for narrow screens."""
    titles = {chapter.slug: chapter.title for chapter in chapters()}
    with st.container(key="guide_box"):
        st.selectbox(
            "Chapter",
            list(titles),
            format_func=titles.__getitem__,
            key="guide_select",
            on_change=lambda: open_chapter(st.session_state.guide_select),
        )


def _button(chapter: Chapter, label: str, key: str, icon: str | None = None) -> None:
    st.button(
        label, key=key, type="tertiary", icon=icon, on_click=open_chapter, args=(chapter.slug,), help=chapter.summary
    )


def show(chapter: Chapter) -> None:
    """Draws the chapter and a button to the next one."""
    with st.container(key="guide_text"):
        st.header(chapter.title, anchor=False)
        st.markdown(unbroken(chapter.body))
    following = chapters()[chapters().index(chapter) + 1 :][:1]
    for each in following:
        _button(each, f"Next: {each.title}", "guide_next", icon=":material/arrow_forward:")


def show_hits(words: str, hits: list[Hit]) -> None:
    """Draws the sections that contain the words, each with a button that opens its chapter."""
    if not hits:
        st.info(f"No chapter contains {look.plain(words)}.", icon=":material/search_off:")
    for number, hit in enumerate(hits[:_MOST_HITS]):
        where = "" if hit.section == hit.chapter.title else f" · {hit.section.replace('`', '')}"
        _button(hit.chapter, f"{hit.chapter.title}{where}", f"guide_hit_{number}", icon=":material/article:")
        st.caption(look.plain(hit.excerpt))
    if len(hits) > _MOST_HITS:
        st.caption(f"The first {_MOST_HITS} of {len(hits)} places. Add a word to narrow the search.")


st.title("Guide")
st.html("<p class='nx-question'>How does all of this work, and how can you build on it?</p>")
st.html(ASSETS / "guide_links.html", unsafe_allow_javascript=True)
side, text = st.columns([1, 3.2], gap="large")
with text:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search", key="guide_search", placeholder="Search all chapters", label_visibility="collapsed"
        ).strip()
        link.copy_link()
    chapter = chosen_chapter()
    box()
    if words:
        show_hits(words, search(words))
    else:
        show(chapter)
with side:
    contents(chapter)
