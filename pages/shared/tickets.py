"""What this session has asked the worker for: submitting, joining, releasing, and progress where the figure will be."""

from collections.abc import Hashable
from functools import partial
from typing import Any

import streamlit as st

from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery import parts
from neuronxa_core.jobs import Snapshot, shared_queue
from neuronxa_core.numbers import count
from neuronxa_core.study.analysis import Analysis
from pages.shared import aloud, look
from pages.shared.cost import duration
from pages.shared.part import part_here
from pages.shared.visitor import visitor


def _tickets() -> dict[Hashable, str]:
    tickets: dict[Hashable, str] = st.session_state.setdefault("tickets", {})
    return tickets


_IN_ADDRESS = "ticket"


def begin() -> None:
    """Notes, in the first run of a session, which tickets its link holds; later keeps its own in the address.

    A phone that slept for longer than the server remembers its session comes back with its address alone.
    """
    if "returned" in st.session_state:
        _keep_in_address()
    else:
        st.session_state.returned = tuple(st.query_params.get(_IN_ADDRESS, "").split("-"))


def _keep_in_address() -> None:
    text = "-".join(_tickets().values())
    if text and st.query_params.get(_IN_ADDRESS) != text:
        st.query_params[_IN_ADDRESS] = text
    elif not text and _IN_ADDRESS in st.query_params:
        del st.query_params[_IN_ADDRESS]


def waiting(request: Hashable) -> bool:
    """Whether this session is waiting for a job that it requested under this name."""
    return request in _tickets()


def submit(request: Analysis[Any]) -> None:
    """Submits the missing part of an answer to the worker, the study's own pair first; `progress` shows how it goes.

    A session with too many runs is told so in a toast.
    """
    own = st.session_state.study
    first = (own.source, own.target) if own else ()
    _declined().discard(request)
    try:
        work = partial(parts.run_anyway, request, first=first)
        _tickets()[request] = shared_queue().submit(request, work, visitor())
    except NeuronXAError as problem:
        st.toast(look.plain(str(problem)), icon=":material/error:")


def _declined() -> set[Hashable]:
    """The requests that this session cancelled."""
    declined: set[Hashable] = st.session_state.setdefault("declined", set())
    return declined


def declined(request: Hashable) -> bool:
    """Whether this session cancelled a request."""
    return request in _declined()


def join(request: Analysis[Any]) -> None:
    """Waits for a job that others have asked for, or this viewer before the connection was lost.

    One that was given up while the viewer was away is asked for again.
    """
    if waiting(request) or declined(request):
        return
    queue, returned = shared_queue(), st.session_state.get("returned", ())
    if queue.is_active(request) or any(queue.was_left(ticket, request) for ticket in returned):
        submit(request)
        _keep_in_address()


def release(request: Hashable) -> None:
    """Releases a job if this session is waiting for it."""
    ticket = _tickets().pop(request, None)
    if ticket:
        _declined().add(request)
        shared_queue().cancel(ticket)


def progress(request: Analysis[Any], key: str = "", early: bool = False) -> None:
    """Draws what the job is doing and a button to stop it, in the figure's place. Polling redraws one line.

    early: reruns the page as soon as part of the answer can be shown.
    """
    snapshot = _looked(request)
    if snapshot is None or snapshot.status == "cancelled":
        _tickets().pop(request, None)
        st.rerun()
    if snapshot.status == "done":
        st.session_state.setdefault("finished", {})[request] = snapshot.result
        _tickets().pop(request)
        aloud.say_next("The run has finished.")
        st.rerun()
    if snapshot.status == "failed":
        _show_failure(request, snapshot, key)
        return
    st.fragment(_progress, run_every=_pause(snapshot))(request, early)
    st.button("Cancel", icon=":material/close:", on_click=release, args=(request,), key=f"cancel{key}")


def _looked(request: Hashable) -> Snapshot | None:
    ticket = _tickets().get(request)
    return shared_queue().look(ticket) if ticket else None


def _pause(snapshot: Snapshot) -> float:
    """Seconds between two looks at a job: longer where others are before it, since many may be waiting then."""
    return 2.0 if snapshot.ahead else 0.5


def _progress(request: Analysis[Any], early: bool) -> None:
    """Draws one line on what the job is doing; only when that has ended, the whole page is rerun."""
    snapshot = _looked(request)
    if snapshot is None or snapshot.status not in ("queued", "running") or (early and part_here(request)):
        st.rerun()
    now = snapshot.progress
    st.progress(now.done / now.total if now and now.total else 0.0, text=_progress_line(snapshot))
    aloud.progress(snapshot, _progress_line(snapshot))


def _show_failure(request: Analysis[Any], snapshot: Snapshot, key: str) -> None:
    st.error(look.plain(snapshot.error), icon=":material/error:")
    if snapshot.error_id:
        st.caption(f"Error {snapshot.error_id}. The server log has the details under this number.")
    st.button("Try again", icon=":material/refresh:", on_click=submit, args=(request,), key=f"retry{key}")


def _progress_line(snapshot: Snapshot) -> str:
    if snapshot.status == "queued":
        if not snapshot.ahead:
            return "Starting"
        line = f"Waiting for {count(snapshot.ahead, 'other run')}"
        return line if snapshot.wait is None else f"{line}, about {duration(snapshot.wait)}"
    return str(snapshot.progress) if snapshot.progress else "Starting"
