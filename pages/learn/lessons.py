"""Lessons: paths through the pages with tasks that are checked, and tours to show others."""

from functools import partial

import streamlit as st

from neuronxa_core.interface import tr, translated
from neuronxa_core.lessons import Lesson
from pages.learn.told import question
from pages.learn.worksheets import worksheet_of
from pages.shared import glossary, lesson_bar, look
from pages.shared import lesson as lessons
from pages.shared.lesson import Walk


def card(lesson: Lesson) -> None:
    """One lesson: what it asks, how long it takes, how far this session is, and a button that opens it."""
    walk, asked = Walk(lesson, 1), sum(step.answer is not None for step in lesson.steps)
    with st.container(border=True, height="stretch"):
        st.markdown(f"## {look.plain(translated(lesson.title))}")
        st.markdown(look.plain(translated(lesson.about)))
        told = tr("{count} min", count=lesson.minutes) + " · " + tr("{count} steps", count=len(lesson.steps))
        solved = lesson_bar.solved(walk)
        st.caption(
            told + (" · " + tr("{solved} of {asked} answers right", solved=solved, asked=asked) if solved else "")
        )
        label, icon = (tr("Start"), "play_arrow") if lesson.kind == "lesson" else (tr("Present"), "slideshow")
        if st.button(label, key=f"lesson_start_{lesson.slug}", icon=f":material/{icon}:"):
            lessons.enter(walk)
        if lesson.kind == "lesson":
            papers(lesson)


def papers(lesson: Lesson) -> None:
    """Two downloads, each made on demand: the lesson on paper, and its answers for the teacher."""
    with st.container(horizontal=True, gap="small"):
        for label, name, key in ((tr("Worksheet"), "Worksheet", False), (tr("Key"), "Key", True)):
            st.download_button(
                label,
                partial(worksheet_of, lesson, key),
                file_name=f"{lesson.slug}.{name.lower()}.html",
                mime="text/html",
                icon=":material/print:",
                type="tertiary",
                on_click="ignore",
                key=f"lesson_{name}_{lesson.slug}",
                help=tr("The answers, for the teacher") if key else tr("One or two pages to print"),
            )


def cards(found: list[Lesson]) -> None:
    """All of a kind, two in a row."""
    for first in range(0, len(found), 2):
        for column, lesson in zip(st.columns(2), found[first : first + 2], strict=False):
            with column:
                card(lesson)


st.title(tr("Lessons"))
question(tr("Where do you start, and how do you know that you have understood?"))
shelf = lessons.shelf()
cards([each for each in shelf.lessons.values() if each.kind == "lesson"])
if tours := [each for each in shelf.lessons.values() if each.kind == "tour"]:
    st.header(tr("Tours"))
    cards(tours)
for fault in shelf.faults:
    st.error(look.plain(str(fault)), icon=":material/edit_document:")
with st.expander(tr("How lessons work, and how to write one"), icon=":material/help:"):
    st.markdown(glossary.explained("lessons"))
