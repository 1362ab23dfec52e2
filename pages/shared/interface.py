"""The choice of the interface's language, which the link keeps as `lang`, and what a page needs to be written in it."""

import json

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from neuronxa_core import interface
from neuronxa_core.interface import ENGLISH, LANGUAGES, LOCALES, RIGHT_TO_LEFT, tr
from neuronxa_core.settings import ASSETS
from pages.shared import bound

PARAMETER = "lang"


def _asked() -> str:
    """The language of this session; English for whatever draws without one."""
    return str(st.session_state.get(PARAMETER, ENGLISH)) if get_script_run_ctx(suppress_warning=True) else ENGLISH


interface.follow(_asked)


def begin() -> None:
    """Takes the language from the link or the session. Call it before anything is drawn."""
    bound.adopt(PARAMETER, list(LANGUAGES), ENGLISH)


def choose() -> None:
    """Draws the choice of the language in the sidebar, and tells the browser which it is."""
    with st.sidebar, st.container(key="interface"):
        st.selectbox(tr("Language of the interface"), list(LANGUAGES), format_func=LANGUAGES.__getitem__, key=PARAMETER)
        bound.write(PARAMETER)
        if interface.current() != ENGLISH:
            st.caption(tr("Translated by a machine and not reviewed; what is missing is in English."))
    code = interface.current()
    if code in RIGHT_TO_LEFT:
        st.html(ASSETS / "right_to_left.css")
    script = (ASSETS / "language.html").read_text(encoding="utf-8")
    tag = json.dumps(LOCALES.get(code, code).replace("_", "-") if code != ENGLISH else code)
    st.html(script.replace("{{language}}", tag), unsafe_allow_javascript=True)
