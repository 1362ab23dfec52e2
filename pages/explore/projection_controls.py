"""The controls above a projection: states, method, and the settings of UMAP."""

from typing import Any

import streamlit as st

from neuronxa_core.analyses.umap import METRICS, ProjectionSettings
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.states.sentences import STATES, State
from pages.shared import bound, look

_METHOD_NAMES = {"umap": "UMAP", "pca": "PCA"}


def projection_controls() -> tuple[list[State], ProjectionSettings, bool]:
    """The states to draw, the settings of the projection, and whether lines join the pairs."""
    states, method, lines, more = st.columns([2, 1.2, 1.3, 0.8], vertical_alignment="bottom")
    chosen = states.pills(
        "States",
        STATES,
        selection_mode="multi",
        default=["nas", "embedding"],
        format_func=look.named(STATE_NAMES),
        key="proj_states",
        bind="query-params",
    )
    way = bound.one_of(
        "Method",
        _METHOD_NAMES,
        "proj_method",
        method,
        help="UMAP preserves neighbourhoods. PCA is a linear projection: it distorts nothing, but omits much of the "
        "variation.",
    )
    show = lines.toggle("Lines between pairs", key="proj_lines", bind="query-params")
    with more.popover("More", icon=":material/tune:", width="stretch"):
        values = _umap_settings()
    settings = ProjectionSettings(method=way, **values)
    return [state for state in STATES if state in (chosen or ["nas"])], settings, show


def _umap_settings() -> dict[str, Any]:
    neighbours = st.number_input(
        "Neighbours",
        2,
        100,
        15,
        key="proj_neighbours",
        bind="query-params",
        help="How many neighbours UMAP preserves: few show fine detail, many the overall structure.",
    )
    min_dist = st.number_input(
        "Minimum distance",
        0.0,
        1.0,
        0.1,
        0.05,
        key="proj_min_dist",
        bind="query-params",
        help="How close UMAP may place two points (min_dist).",
    )
    metric = st.selectbox("Metric", METRICS, key="proj_metric", bind="query-params")
    seed = st.number_input(
        "Seed", 0, 9999, 42, key="proj_seed", bind="query-params", help="Other seeds give other pictures. Try several."
    )
    return {"neighbours": neighbours, "min_dist": min_dist, "metric": metric, "seed": seed}
