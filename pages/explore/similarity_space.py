"""How the space is used, on the Similarity page: the cosines' distribution, the measures, and the plane of both."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.space import beside_alignment, drawn_measures
from neuronxa_core.figures import plane, similarity, space
from neuronxa_core.metrics.cosines import Cosines
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from pages.shared import bound, look


def space_view(result: StudyResult, measures: pd.DataFrame, matrices: Mapping[State, Cosines], layer: int) -> None:
    """Draws the distribution of cosines at this layer, alignment against separability, and the measures by layer."""
    st.header("How the space is used")
    look.picture(similarity.exportable_distribution(result.study, matrices, layer), "sim_distribution")
    if set(plane.AXES) <= set(measures):
        _plane(result, measures)
    _measure_pictures(result.study, measures, layer)
    st.markdown(space.space_finding(measures))
    with st.expander("The numbers", icon=":material/table:"):
        look.table(measures)
        look.table_downloads(measures, f"{result.study.stem}.space", "sim_space")


def _plane(result: StudyResult, measures: pd.DataFrame) -> None:
    st.subheader("Alignment against separability")
    axis = bound.one_of(
        "Separability",
        {axis: plane.AXIS_NAMES[axis] for axis in plane.AXES},
        "sim_plane",
        help="d′ still differs where every sentence is told apart.",
    )
    table = beside_alignment(result.scores, measures)
    look.picture(
        plane.exportable_plane(result.study, table, axis), "sim_paths", plane.plane_finding(table, result.pairs)
    )


def _measure_pictures(study: Study, measures: pd.DataFrame, layer: int) -> None:
    """Draws a figure per measure, two or three in a row, and names the measures that an older table lacks."""
    shown = drawn_measures(measures)
    beside = 2 if len(shown) in (2, 4) else 3
    for first in range(0, len(shown), beside):
        for column, measure in zip(st.columns(beside), shown[first : first + beside], strict=False):
            with column:
                look.picture(space.exportable_measure(study, measures, measure, layer), f"sim_{measure.name}")
    if absence := space.absence(measures):
        st.caption(absence)
