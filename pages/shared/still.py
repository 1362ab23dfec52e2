"""Figures that stand as SVG until somebody touches them or scrolls to them, and are live from then on."""

from functools import cache, partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from neuronxa_core.settings import ASSETS
from neuronxa_core.stills.overview import Shown
from neuronxa_core.stills.read import Still, still_of
from pages.shared import look


def picture(shown: Shown, key: str) -> None:
    """Draws a figure of the first page like `look.picture`, as a still if the gallery has one of it."""
    look.picture(shown.exportable, key, shows=shown.finding, draw=partial(_still_or_live, shown, key))


def small(shown: Shown, key: str) -> None:
    """Draws a question's picture, likewise, without a button."""
    _still_or_live(shown, key)


def of_gallery(found: Still, key: str) -> None:
    """Draws a picture that stays one."""
    data = {"packed": found.packed, "alt": found.alt, "height": found.height, "fixed": True}
    _component()(key=key, data=data, height=found.height, on_touched_change=_nothing)


def fixed(figure: go.Figure, key: str, alt: str) -> None:
    """Draws a figure that never reacts."""
    st.plotly_chart(figure, key=key, theme=None, config={"staticPlot": True}, alt=alt)


@cache
def _component() -> Any:
    script = (ASSETS / "still.js").read_text(encoding="utf-8")
    return st.components.v2.component("neuronxa_still", js=script, isolate_styles=False)


@st.fragment
def _still_or_live(shown: Shown, key: str) -> None:
    """The live figure lies over its still, which takes the same room and goes when the other stands: nothing moves."""
    found = still_of(shown, look.theme())
    with st.container(key=f"still_{key}"):
        if found:
            data = {"packed": found.packed, "alt": found.alt, "height": found.height}
            told = _component()(key=f"svg_{key}", data=data, height=found.height, on_touched_change=_nothing)
            if told.touched:
                st.session_state[f"live_{key}"] = True
        if not found or st.session_state.get(f"live_{key}"):
            look.live(shown.draw(look.theme()), shown.exportable, key, shown.finding)


def _nothing() -> None:
    """Does nothing: a component reports a value only if it has a callback."""
