"""The session that a page is drawn for, and the uploads that it has open."""

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from neuronxa_core.corpora import kept
from neuronxa_core.corpora.uploads import PREFIX
from neuronxa_core.fairness import Caller

_CHOSEN = ("study_corpus", "lat_words", "down_source", "claims_accuracies")
"""Widgets whose value may be the name of an upload."""


def visitor() -> Caller:
    """This session, which is here while its browser is connected."""
    context = get_script_run_ctx()
    name = context.session_id if context else ""

    def here() -> bool:
        return not runtime.exists() or runtime.get_instance().is_active_session(name)

    return Caller(name, here)


def hold_uploads() -> None:
    """Keeps what this session has chosen from being deleted to make room for other uploads."""
    session = visitor()
    chosen = (str(st.session_state.get(key, "")).removeprefix(PREFIX) for key in _CHOSEN)
    kept.hold(session.name, filter(None, chosen), session.here)
