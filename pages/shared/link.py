"""The view that a link describes, and a toast for values that do not fit the page.

The widgets of a view are bound to the URL (`bind="query-params"`). Streamlit silently drops values that do not fit.
"""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from neuronxa_core.settings import ASSETS
from neuronxa_core.study.naming import model_name
from neuronxa_core.study.study import Study
from pages.shared import look

STUDY = {field.name for field in fields(Study)}
NO_WIDGETS = {"chapter", "embed", "embed_options", "key", "lesson", "present", "room", "step", "term", "ticket"}
"""Parameters that are not the value of a widget: of guide, glossary, Streamlit, lessons, the stage, and runs."""


def remember() -> None:
    """Records, in the first run of a session, what the link contains besides the study."""
    if "link_view" not in st.session_state:
        names = [name for name in st.query_params if name not in STUDY]
        st.session_state.link_view = {name: st.query_params.get_all(name) for name in names}
        _drop_infinities()


def _drop_infinities() -> None:
    """Takes infinities out of the link before a widget reads it: one for whole numbers ends in an OverflowError."""
    endless = [name for name, texts in st.session_state.link_view.items() if any(map(_is_endless, texts))]
    context = get_script_run_ctx()
    if endless and context:
        for name in endless:
            del st.query_params[name]
        with context.session_state.query_params() as read:
            read.set_initial_query_params_from_current()


def _is_endless(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def say_what_was_refused(stopped: bool = False) -> None:
    """Shows a toast naming the values that were replaced by defaults. Call it after the page has drawn its widgets.

    stopped: the page ends here, with an invitation to run; what its other widgets refuse is said once they stand.
    """
    asked: dict[str, list[str]] = st.session_state.link_view
    looked_at = {name: texts for name, texts in asked.items() if not stopped or name in st.session_state}
    refused = [f"{name} = {', '.join(texts)}" for name, texts in looked_at.items() if not _stands(name, texts)]
    st.session_state.link_view = {name: texts for name, texts in asked.items() if name not in looked_at}
    if refused:
        st.toast(
            "Some values in the link do not fit this page; defaults are used instead: "
            + look.plain("; ".join(refused)),
            icon=":material/link_off:",
            duration="long",
        )


def stop() -> NoReturn:
    """Ends the page early, after saying which values of the link the widgets so far have refused."""
    say_what_was_refused(stopped=True)
    st.stop()


def _stands(name: str, texts: list[str]) -> bool:
    """Whether a value is in effect: Streamlit keeps it in the URL, or drops it because it is the default.

    A name that no widget of the page has stays in the URL too, and is in effect nowhere.
    """
    if name in NO_WIDGETS:
        return True
    if name not in st.session_state:
        return False
    value = st.session_state.get(name)
    held = sorted(str(each).lower() for each in (value if isinstance(value, list) else [value]))
    return st.query_params.get_all(name) == texts or held == sorted(text.lower() for text in texts)


def copy_link(paths: Sequence[str] = ()) -> None:
    """Draws a button that copies the current address, with study and view.

    paths: the fields of the study that the address can only give as a path on this computer, which the button says.
    """
    if any(model_name(model) != model for model in st.query_params.get_all("cmp_models")):
        paths = (*paths, "compared models")
    button = (ASSETS / "copy_link.html").read_text(encoding="utf-8")
    held = f"Contains a path on this computer ({', '.join(paths)}), so it opens only here. " if paths else ""
    st.html(button.replace("{{held}}", held), unsafe_allow_javascript=True)
