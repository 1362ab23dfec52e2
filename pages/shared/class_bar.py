"""The bar of a lesson in class: a member's follows the room, a teacher's moves it. Both look at it each second."""

import html
from typing import Any

import streamlit as st

from neuronxa_core.interface import tr
from neuronxa_core.lessons import Answer, number_of
from neuronxa_core.rooms import PAGE, Room, RoomKey, shared_rooms
from neuronxa_core.stills.read import still_of_step
from pages.shared import classroom, lesson_bar, look, stage, still
from pages.shared import lesson as lessons
from pages.shared.classroom import Seat
from pages.shared.lesson import Walk

_SECONDS = 1.0
"""Between two looks at the room."""


def draw(page: str) -> None:
    """Draws the bar of this session's room. page: the name of the page below it."""
    held = classroom.role()
    if held is None or stage.number():
        return
    with st.container(key="lesson_bar", border=True):
        if isinstance(held, Seat):
            _member(held, page)
        else:
            _teacher(held, page)


@st.fragment(run_every=_SECONDS)
def _member(seat: Seat, page: str) -> None:
    """The step of the room: its task, on the page Class its picture too, and its question.

    A step shows here when the teacher moves on, and no page is drawn for it: forty at once would take a server
    many seconds. Whoever has opened the step's page is led back from it.
    """
    room = classroom.look_in(seat)
    at, now = classroom.walk_of(room) if room else None, lessons.current()
    if room is None or at is None or now is None:
        st.rerun()
    walk = now if room.free else at
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(" &nbsp;·&nbsp; ".join((tr("Class {code}", code=room.code), lesson_bar.place_of(walk))))
        if room.free:
            lesson_bar.turns(walk)
        if st.button(tr("Leave"), key="class_leave", icon=":material/close:", type="tertiary"):
            classroom.leave()
            st.rerun()
    lesson_bar.task(walk, page)
    if page == PAGE:
        _picture(walk)
    if walk.step.answer and room.free:
        lesson_bar.question(walk, walk.step.answer)
    elif walk.step.answer:
        _ask(seat, room, walk, walk.step.answer)
    if not room.free and now.place != at.place:
        st.session_state.lesson_walk = at
        if page != PAGE:
            st.switch_page(lessons.pages()[PAGE], query_params={"room": room.code})


def _picture(walk: Walk) -> None:
    """What the step's page would show, as a picture that needs nothing else; nothing for lessons of one's own."""
    found = still_of_step(*walk.place, look.theme())
    if found:
        still.of_gallery(found, "class_picture")
        st.caption(found.said)


def _ask(seat: Seat, room: Room, walk: Walk, answer: Answer) -> None:
    """The room's question: the field while it is open, and the answers of all once the teacher shows them."""
    given, place = classroom.given(), (room.code, room.step)
    if room.open:
        with lesson_bar.row(f"class_form_{room.code}_{room.step}"):
            text = lesson_bar.field(answer, f"class_answer_{room.code}_{room.step}", given.get(place))
            sent = st.form_submit_button(tr("Send"), key="class_send", icon=":material/send:")
        if sent and text:
            text = answer.written(text)[:80]
            if shared_rooms().answer(room.code, seat.seat, room.step, text, given.get(place, "")):
                given[place] = text
        if place in given:
            st.caption(tr("Sent. You can change it until the question is closed."))
    elif not (room.shown or place in given):
        st.caption(tr("The teacher has not opened the question yet."))
    if room.shown:
        bars(room, answer, told=not room.open)
        if not room.open:
            st.info(walk.step.solution, icon=":material/lightbulb:")


@st.fragment(run_every=_SECONDS)
def _teacher(held: RoomKey, page: str) -> None:
    """What the class is at, the switches of the room, and the answers as they arrive."""
    room = classroom.look_in(held)
    walk = classroom.walk_of(room) if room else None
    if room is None or walk is None:
        classroom.leave()
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        told = tr("Class {code}", code=room.code), tr("**{count} here**", count=room.members), lesson_bar.place_of(walk)
        st.markdown(" &nbsp;·&nbsp; ".join(told))
        turns = (tr("Back"), "back", room.step - 1), (tr("Next"), "forward", room.step + 1)
        for name, icon, to in turns:
            key, off = f"class_{'back' if icon == 'back' else 'next'}", not 0 < to <= len(walk.lesson.steps)
            st.button(
                name, key, icon=f":material/arrow_{icon}:", disabled=off, on_click=_teach, args=(held, {"step": to})
            )
        _switches(room, walk, held)
    lesson_bar.task(walk, page)
    if walk.step.answer:
        st.caption(tr("{given} of {count} have answered.", given=room.given, count=room.members))
        if room.shown:
            bars(room, walk.step.answer, told=not room.open)
            if not room.open:
                st.info(walk.step.solution, icon=":material/lightbulb:")
    now = lessons.current()
    if now is None or now.place != walk.place:
        st.session_state.lesson_walk = walk
        if page != PAGE:
            lessons.enter(walk)


def _switches(room: Room, walk: Walk, held: RoomKey) -> None:
    """Buttons that open the question, show its answers, and let the class go or gather it."""
    buttons = {
        "open": (tr("Close the question"), tr("Ask the question"), "lock", "lock_open"),
        "shown": (tr("Hide the answers"), tr("Show the answers"), "visibility_off", "visibility"),
        "free": (tr("Gather the class"), tr("Let the class go"), "groups", "directions_walk"),
    }
    for name, (off, on, icon_off, icon_on) in buttons.items():
        is_on = bool(getattr(room, name))
        st.button(
            off if is_on else on,
            key=f"class_{name}",
            icon=f":material/{icon_off if is_on else icon_on}:",
            disabled=name != "free" and walk.step.answer is None,
            on_click=_teach,
            args=(held, {name: not is_on}),
        )


def _teach(held: RoomKey, changes: dict[str, Any]) -> None:
    shared_rooms().teach(held, **changes)


def bars(room: Room, answer: Answer, told: bool) -> None:
    """Draws how many gave which answer, as bars. told: the right one is marked."""
    counts = dict(room.answers)
    asked = list(answer.choices) if answer.kind == "choice" else sorted(counts, key=_by_number)
    most = max([1, *counts.values()])
    rows = "".join(
        f"<div{' class=nx-right' if told and answer.is_right(text) else ''}><span>{html.escape(text)}"
        f"{' ✓' if told and answer.is_right(text) else ''}</span>"
        f"<i style='width: {100 * counts.get(text, 0) / most:.0f}%'></i><b>{counts.get(text, 0)}</b></div>"
        for text in asked
    )
    said = ", ".join(f"{text}: {counts.get(text, 0)}" for text in asked) or tr("none yet")
    told_aloud = tr("Answers: {answers}", answers=said)
    st.html(f"<div class='nx-bars' role='img' aria-label='{html.escape(told_aloud, quote=True)}'>{rows}</div>")


def _by_number(text: str) -> tuple[bool, float, str]:
    """Numbers in their order, and whatever is none after them."""
    value = number_of(text)
    return value is None, value or 0.0, text
