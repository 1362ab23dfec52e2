"""The bar of a lesson above the page: the task, a field that checks the answer, hints, and the solution last."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neuronxa_core.interface import tr, translated
from neuronxa_core.lessons import Answer
from neuronxa_core.rooms import PAGE
from pages.shared import lesson as lessons
from pages.shared import look, stage
from pages.shared.lesson import Walk


def draw(page: str) -> None:
    """Draws the bar if a lesson is open. page: the name of the page below it."""
    walk = lessons.current()
    if walk is None or stage.number():
        return
    with st.container(key="lesson_bar", border=True):
        _bar(walk, page)


@st.fragment
def _bar(walk: Walk, page: str) -> None:
    """Everything in the bar; an answer or a hint redraws only this."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(place_of(walk))
        turns(walk)
        if st.button(tr("Leave"), key="lesson_leave", icon=":material/close:", type="tertiary"):
            lessons.leave()
            st.rerun()
    task(walk, page)
    if walk.step.answer:
        question(walk, walk.step.answer)


def place_of(walk: Walk) -> str:
    """The lesson's title and which of its steps this is, as Markdown."""
    told = tr("step {n} of {all}", n=walk.number, all=len(walk.lesson.steps))
    return f"{look.plain(translated(walk.lesson.title))} &nbsp;·&nbsp; {told}"


def turns(walk: Walk) -> None:
    """Draws the buttons to the step before and after."""
    number, last = walk.number, len(walk.lesson.steps)
    buttons = {
        "back": (tr("Back"), "arrow_back", number == 1, number - 1),
        "next": (tr("Next"), "arrow_forward", number == last, number + 1),
    }
    for key, (label, icon, off, to) in buttons.items():
        if st.button(label, key=f"lesson_{key}", icon=f":material/{icon}:", disabled=off):
            lessons.enter(walk.at(to))


def task(walk: Walk, page: str) -> None:
    """Draws what to do, and on any other page a button to the one of the step."""
    st.markdown(f"**{look.plain(walk.step.title)}.** {walk.step.task}")
    if page == walk.step.page:
        return
    label = tr("Open the page of this step") if page == PAGE else tr("Back to the page of this step")
    if st.button(label, key="lesson_page", icon=":material/arrow_forward:"):
        lessons.enter(walk)


def row(key: str) -> DeltaGenerator:
    """A form in one row: an answer's field and its button."""
    return st.form(key, border=False).container(horizontal=True, vertical_alignment="bottom")


def question(walk: Walk, answer: Answer) -> None:
    """Draws the field of an answer, what became of the answer, and the hints."""
    given, name = _given(), f"{walk.lesson.slug}_{walk.number}"
    with row(f"lesson_form_{name}"):
        text = field(answer, f"lesson_answer_{name}", given.get(walk.place))
        asked = st.form_submit_button(tr("Check"), key="lesson_check", icon=":material/check:")
    if asked and text:
        given[walk.place] = text
        if not answer.is_right(text):
            _show_one_more(walk)  # a wrong answer gets help
    told = given.get(walk.place)
    if told and answer.is_right(told):
        st.success(" ".join((tr("Right."), walk.step.solution)), icon=":material/check_circle:")
        return
    if told:
        st.warning(answer.help(told), icon=":material/help:")
    _hints(walk)


def field(answer: Answer, key: str, given: str | None) -> str:
    """Draws the field of an answer; what stands in it, empty for nothing. given: what it begins with."""
    if answer.kind == "choice":
        at = answer.choices.index(given) if given in answer.choices else None
        return st.radio(tr("Your answer"), answer.choices, at, key=key, format_func=_choice, horizontal=True) or ""
    if answer.kind == "layer":
        layers = [str(layer) for layer in range(1, answer.layers + 1)]
        return st.pills(tr("Layer"), layers, default=given if given in layers else None, key=key) or ""
    unit = f" ({answer.unit})" if answer.unit else ""
    return st.text_input(tr("Your answer") + unit, given or "", max_chars=20, key=key, autocomplete="off").strip()


def _choice(text: str) -> str:
    """A choice as it is shown; what is compared and kept is the lesson's own text."""
    return look.plain(translated(text))


def _hints(walk: Walk) -> None:
    """Draws the hints that were asked for, and the button for the next; after the last hint, for the solution."""
    shown, hints = _shown().get(walk.place, 0), walk.step.hints
    for number, hint in enumerate(hints[:shown], 1):
        st.markdown(tr("**Hint {n}.**", n=number) + f" {hint}")
    if shown > len(hints):
        st.info(walk.step.solution, icon=":material/lightbulb:")
        return
    label = tr("Show the solution") if shown == len(hints) else tr("A hint")
    st.button(label, key="lesson_hint", icon=":material/lightbulb:", on_click=_show_one_more, args=(walk, True))


def _show_one_more(walk: Walk, with_solution: bool = False) -> None:
    """Shows one more hint, or after the last the solution if that is asked for."""
    most = len(walk.step.hints) + (1 if with_solution else 0)
    _shown()[walk.place] = max(_shown().get(walk.place, 0), min(most, _shown().get(walk.place, 0) + 1))


def _given() -> dict[tuple[str, int], str]:
    """What this session has answered, by lesson and step."""
    given: dict[tuple[str, int], str] = st.session_state.setdefault("lesson_given", {})
    return given


def _shown() -> dict[tuple[str, int], int]:
    """How many hints of a step are shown; one more than there are is the solution."""
    shown: dict[tuple[str, int], int] = st.session_state.setdefault("lesson_hints", {})
    return shown


def solved(walk: Walk) -> int:
    """How many steps of a lesson this session has answered rightly."""
    given = _given()
    return sum(
        bool(step.answer and step.answer.is_right(given.get((walk.lesson.slug, number), "")))
        for number, step in enumerate(walk.lesson.steps, 1)
    )
