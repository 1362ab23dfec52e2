"""The lesson that this session follows: kept in the link as `lesson` and `step`, whatever page is opened."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st

from neuronxa_core.interface import tr
from neuronxa_core.lessons import Lesson, Shelf, Step
from neuronxa_core.lessons import shelf as shelf_of
from neuronxa_core.settings import ASSETS
from neuronxa_core.study.study import Study

_PAGES = Path(__file__).parents[1]
_TITLED = re.compile(r"^st\.title\(", re.M)
"""What a page's script has, and no module beside it."""
_STUDY = {field.name for field in fields(Study)}


@dataclass(frozen=True)
class Walk:
    """A lesson and the step that is open, from 1."""

    lesson: Lesson
    number: int

    @property
    def step(self) -> Step:
        return self.lesson.steps[self.number - 1].in_language

    @property
    def place(self) -> tuple[str, int]:
        """What tells this step apart from all others."""
        return self.lesson.slug, self.number

    def at(self, number: int) -> "Walk":
        """The same lesson at another step, the first or the last if there is no such."""
        return Walk(self.lesson, min(max(1, number), len(self.lesson.steps)))


@lru_cache(maxsize=1)
def pages() -> Mapping[str, Path]:
    """The script of every page by the page's name in an address."""
    scripts = sorted(path for path in _PAGES.glob("*/*.py") if path.parent.name != "shared")
    return {path.stem: path for path in scripts if _TITLED.search(path.read_text(encoding="utf-8"))}


def shelf() -> Shelf:
    """All lessons on offer."""
    return shelf_of(tuple(pages()))


def walk_to(slug: str, number: int) -> Walk | None:
    """A step of a lesson, the first or the last if there is no such step; None if there is no such lesson."""
    lesson = shelf().lessons.get(slug)
    return Walk(lesson, 1).at(number) if lesson else None


def current() -> Walk | None:
    """What this session follows, or None."""
    walk: Walk | None = st.session_state.get("lesson_walk")
    return walk


def enter(walk: Walk) -> NoReturn:
    """Opens a step: its page, with its study and its view.

    What a widget of the page that is open holds gets its value from `_set_view`: the address may be bound to it.
    """
    state = st.session_state
    state.lesson_walk, state.lesson_enters = walk, True
    query = {name: text for name, text in walk.lesson.query(walk.number).items() if name not in state}
    st.switch_page(pages()[walk.step.page], query_params=query)


def leave() -> None:
    """Ends the lesson; the page stays."""
    st.session_state.lesson_walk = None
    for name in ("lesson", "step"):
        st.query_params.pop(name, None)


def begin() -> None:
    """Takes up the lesson of a link, gives widgets the view of a step just entered, and keeps the link."""
    state, asked = st.session_state, st.query_params
    if "lesson_walk" not in state:
        state.lesson_walk = _asked()
        if state.lesson_walk and set(asked) <= {"lang", "lesson", "step"}:
            enter(state.lesson_walk)
    walk = current()
    if state.pop("lesson_enters", False) and walk:
        _set_view(walk)
        _scroll_to(walk)
    told = {"lesson": walk.lesson.slug, "step": str(walk.number)} if walk else {}
    for name, text in told.items():
        if asked.get(name) != text:
            asked[name] = text


def _asked() -> Walk | None:
    """What a link asks for. A line says that there is no such lesson."""
    slug, number = st.query_params.get("lesson", ""), st.query_params.get("step", "1")
    walk = walk_to(slug, int(number) if number.isdecimal() and len(number) < 4 else 1) if slug else None
    if slug and walk is None:
        st.toast(tr("There is no such lesson here. Choose one on the page Lessons."), icon=":material/link_off:")
        for name in ("lesson", "step"):
            st.query_params.pop(name, None)
    return walk


def _set_view(walk: Walk) -> None:
    """Lets the picker and the page's widgets take their values from the step, whatever they hold."""
    state = st.session_state
    state.pop("study_model", None)  # the picker reads the study from the address anew
    view = {name: text for name, text in walk.step.view if name not in _STUDY}
    for name, text in view.items():
        if name in state:
            state[name] = _like(state[name], text)
    state.link_view = {name: [text] for name, text in view.items()}


def _scroll_to(walk: Walk) -> None:
    """Lets the browser bring the step's section into sight, once for every time that the step is opened."""
    if walk.step.section:
        script = (ASSETS / "scroll_to_section.html").read_text(encoding="utf-8")
        opened = st.session_state.lesson_opened = st.session_state.get("lesson_opened", 0) + 1
        told = {"{{step}}": f"{walk.number}, opened as number {opened}", "{{section}}": str(walk.step.section)}
        for name, value in told.items():
            script = script.replace(name, value)
        st.html(script, unsafe_allow_javascript=True)


def _like(held: Any, text: str) -> Any:
    """A text as a value of the kind that a widget holds; the text itself if it cannot be one."""
    kind = type(held)
    if kind is bool:
        return text.lower() == "true"
    try:
        return kind(text) if kind in (int, float) else text
    except ValueError:
        return held
