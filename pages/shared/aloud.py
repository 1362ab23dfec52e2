"""What a screen reader says of what changes by itself: a run's progress and end, the figure on the stage."""

import json

import streamlit as st

from neuronxa_core.jobs import Snapshot
from neuronxa_core.numbers import percent
from neuronxa_core.settings import ASSETS

_LATER = "aloud"
_STEPS = 4
"""A run is told in quarters, since one that speaks twice a second drowns everything else."""


def say(text: str) -> None:
    """Lets a screen reader say a text once it is done with what it is saying; the same text again is not repeated."""
    script = (ASSETS / "announce.html").read_text(encoding="utf-8")
    st.html(script.replace("{{text}}", json.dumps(text).replace("<", "\\u003c")), unsafe_allow_javascript=True)


def say_next(text: str) -> None:
    """Says a text when the page is drawn the next time."""
    st.session_state[_LATER] = text


def begin() -> None:
    """Says what the last drawing of the page has left to say."""
    if text := st.session_state.pop(_LATER, ""):
        say(text)


def progress(snapshot: Snapshot, line: str) -> None:
    """Says how far a run is whenever it has come another quarter, and how many runs it waits for."""
    now = snapshot.progress
    if snapshot.status == "queued" or not (now and now.total):
        say(line)
        return
    say(f"Running, {percent(int(_STEPS * now.done / now.total) / _STEPS)}")
