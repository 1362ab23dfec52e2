"""Class mode in a session: whether it teaches a room or sits in one, and following the room from step to step."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st

from neuronxa_core.errors import RoomError
from neuronxa_core.interface import tr
from neuronxa_core.rooms import Room, RoomKey, shared_rooms
from neuronxa_core.settings import settings
from pages.shared import access, look
from pages.shared import lesson as lessons
from pages.shared.lesson import Walk


@dataclass(frozen=True)
class Seat:
    """A member's place in a room."""

    code: str
    seat: str


def role() -> RoomKey | Seat | None:
    """The key of the room that this session teaches, its seat in a room, or None."""
    held: RoomKey | Seat | None = st.session_state.get("class_role")
    return held


def begin() -> None:
    """Takes up the room of a link, and the step at which the room is. Call it early."""
    state = st.session_state
    if "class_role" not in state:
        state.class_role = _asked()
    held = role()
    if held is None:
        return
    room = look_in(held)
    if room is None:
        st.toast(tr("The class is over, or has no such code."), icon=":material/school:")
        leave()
        return
    if st.query_params.get("room") != room.code:
        st.query_params["room"] = room.code
    st.query_params.pop("key", None)  # it would be read from the wall
    if lessons.current() is None:
        state.lesson_walk = walk_of(room)


def _asked() -> RoomKey | Seat | None:
    """What a link asks for: to teach a room, or to sit in it."""
    code, key = code_of(st.query_params.get("room", "")), st.query_params.get("key", "")
    if code and key and shared_rooms().holds(RoomKey(code, key)):
        return RoomKey(code, key)
    return join(code) if code else None


def code_of(text: str) -> str:
    """A code as it was typed, in the letters that codes have."""
    return "".join(letter for letter in text.upper() if letter.isalnum())[:12]


def join(code: str) -> Seat | None:
    """A seat in a room, or None with a line that says why."""
    try:
        return Seat(code, shared_rooms().join(code))
    except RoomError as problem:
        st.toast(look.plain(str(problem)), icon=":material/school:")
        return None


def sit(seat: Seat | None) -> None:
    """Takes a seat, unless there is none."""
    if seat:
        st.session_state.class_role = seat


def look_in(held: RoomKey | Seat) -> Room | None:
    """The room as it is now, or None once it has ended."""
    return shared_rooms().look(held.code, held.seat if isinstance(held, Seat) else "")


def walk_of(room: Room) -> Walk | None:
    """The step at which a room is; None if its lesson's file has gone."""
    return lessons.walk_to(room.lesson, room.step)


def leave() -> None:
    """Gives the seat back, and ends the lesson in this session; a room that it teaches goes on."""
    held = role()
    if isinstance(held, Seat):
        shared_rooms().leave(held.code, held.seat)
    st.session_state.class_role = None
    for name in ("room", "key"):
        st.query_params.pop(name, None)
    lessons.leave()


def public_address() -> str:
    """The address under which phones reach this server; empty if it serves only its own machine or has none set."""
    address = settings().address
    reached = access.answers_others() and not access.is_this_machine(urlsplit(address).hostname)
    return address if reached else ""


def own_address() -> str:
    """The address under which this browser reaches the server."""
    parts = urlsplit(st.context.url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "http://localhost:8501"


def given() -> dict[tuple[str, int], str]:
    """What this session has answered in class, by the room's code and the step."""
    kept: dict[tuple[str, int], str] = st.session_state.setdefault("class_given", {})
    return kept
