"""Widgets whose options read otherwise on the page than in a link, which holds codes and names, never labels.

`bind="query-params"` would write the labels ("German · Deutsch · deu_Latn"). Call `adopt` before the widget and `write`
after it, and give the widget neither a default nor an index. Links with labels, as they once were, still open.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st


def code_of(text: str) -> str:
    """The language code in a link: all of it, or the end of what the picker shows."""
    return text.rpartition(" · ")[2]


def number(text: str) -> int:
    """The whole number in a link; -1 for any other text."""
    return int(text) if text.isdecimal() and len(text) < 19 else -1


def adopt(key: str, offered: Sequence[Any], default: Any, read: Callable[[str], Any] = str) -> None:
    """Gives the widget its value: the one it holds, the link's, or the default; never one that is not offered.

    default: a list for several values. A default that changes takes the place of the one before, unless the viewer
    chose something else. read: a value from its text in a link.
    """
    state, several = st.session_state, isinstance(default, list)
    before, state[f"{key}_default"] = state.get(f"{key}_default", default), default
    held: Any = state.get(key)
    if key in state and set(held if several else [held]) <= set(offered):
        if _same(held, before) and not _same(before, default):
            state[key] = default
        return
    found: list[Any] = []
    if key not in state and key in st.query_params:
        asked = [read(text) for text in st.query_params.get_all(key)]
        found = [value for value in asked if value in offered]
        if found and key in state.get("link_view", {}):
            state.link_view[key] = list(map(str, asked))  # compared with what is in effect, see shared.link
    state[key] = (found or default) if several else (found[0] if found else default)


def write(key: str, text_of: Callable[[Any], str] = str) -> None:
    """Writes the widget's value into the URL, unless it is the default. text_of: how a link writes a value."""
    value, default = st.session_state[key], st.session_state[f"{key}_default"]
    texts = [text_of(each) for each in (value if isinstance(value, list) else [value])]
    if _same(value, default):
        st.query_params.pop(key, None)
    elif st.query_params.get_all(key) != texts:
        st.query_params[key] = texts


def _same(one: Any, other: Any) -> bool:
    return set(one) == set(other) if isinstance(one, list) and isinstance(other, list) else bool(one == other)


def one_of(label: str, names: Mapping[Any, str], key: str, box: Any = st, **options: Any) -> Any:
    """The chosen one of few options, the first by default, which the link holds as `key`.

    A link in which `key` has no value leaves the control empty, although it is required: the first then, too.
    names: what each option is called. box: the control's container. options: for Streamlit's control.
    """
    chosen = box.segmented_control(
        label,
        list(names),
        default=next(iter(names)),
        required=True,
        key=key,
        bind="query-params",
        format_func=lambda option: names.get(option, option),
        **options,
    )
    return next(iter(names)) if chosen is None else chosen
