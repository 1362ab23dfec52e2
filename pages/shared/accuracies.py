"""Uploaded accuracies, by the name under which they are kept."""

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.accuracies import read_accuracies
from neuronxa_core.corpora.uploads import kept_accuracies, open_accuracies, remove_accuracies
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.settings import settings
from pages.shared import look


def kept_names(key: str) -> tuple[str, ...]:
    """The accuracies on offer: this session's, in local mode those kept earlier, and those the link names as `key`."""
    mine = st.session_state.setdefault("my_accuracies", [])
    kept = tuple(mine) if settings().mode == "shared" else (*mine, *kept_accuracies())
    linked = st.query_params.get(key, "")
    return tuple(dict.fromkeys((*kept, *([linked] if open_accuracies(linked) else []))))


def offer_deletion(key: str) -> None:
    """Draws a button that deletes the accuracies chosen in the widget `key`, if they are this session's or local."""
    name = str(st.session_state.get(key, ""))
    mine: list[str] = st.session_state.setdefault("my_accuracies", [])
    if name not in (mine if settings().mode == "shared" else (*mine, *kept_accuracies())):
        return
    st.caption(f"In use: `{name}`. Anyone with its link can open it.")
    if st.button("Delete these accuracies", icon=":material/delete:", key=f"{key}_delete"):
        remove_accuracies(name)
        st.session_state.my_accuracies = [each for each in mine if each != name]
        del st.session_state[key]
        st.query_params.pop(key, None)
        st.rerun()


def file_name(name: str) -> str:
    """The original name of an uploaded file; its stored name ends with a digest."""
    return f"{name.rpartition('-')[0]} (uploaded)"


def kept_rows(name: str) -> tuple[pd.DataFrame, tuple[str, ...]] | None:
    """The rows and notes of kept accuracies; None if there are none. The page stops if they cannot be read."""
    files = open_accuracies(name)
    if files is None:
        return None
    try:
        found = read_accuracies(files)
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        st.stop()
    return found.rows, found.notes
