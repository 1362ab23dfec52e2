"""Projection: every sentence a point, layer by layer, with measures of how far to trust the picture."""

from typing import cast

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.projection import MOST_PAIRS, Projection, find_projection, project
from neuronxa_core.analyses.projections import Project
from neuronxa_core.analyses.umap import ProjectionSettings, warm_up_in_background
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import projection as figures
from neuronxa_core.figures.alignment import layer_strip, strip_alt
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES
from neuronxa_core.figures.tables import Column
from neuronxa_core.gallery.read import precomputed_projection
from neuronxa_core.settings import ASSETS
from neuronxa_core.settings import settings as app_settings
from neuronxa_core.states.sentences import State, first_layer
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from pages.explore.projection_along import beside, pair_row, pair_table, trust
from pages.explore.projection_controls import projection_controls
from pages.shared import glossary, look, stage, still
from pages.shared.clicks import clicked
from pages.shared.run import alignment_or_stop, states_or_stop
from pages.shared.sentences import sentence_html
from pages.shared.tickets import progress, release, submit, waiting


@st.fragment
def projection_view(result: StudyResult) -> None:
    """Draws what depends on layer, states, method or pair; its controls redraw only this fragment."""
    study = result.study
    if app_settings().worker == "thread":
        warm_up_in_background()
    states, settings, lines = projection_controls()
    slider, number = st.columns([4, 1], vertical_alignment="bottom")
    with slider:
        layer = _layer(result, states)
        st.html(_together(len(states)), unsafe_allow_javascript=True)
    projections, missing = _projections(study, states, settings)
    bitext = study.bitext()
    with number:
        pair = _pair(projections[0].pairs)
    _panels(projections, bitext, layer, pair, lines)
    if missing:
        _umap_in_worker(Project(study, missing, settings))
    st.markdown(figures.mixing_finding(projections))
    trust(projections, result, layer)
    if pair is not None:
        _pair_details(projections, bitext, layer, pair)
    beside(projections, layer)
    _curves(projections, layer)
    _table_of_pairs(study, projections, bitext, layer)
    _table_of_numbers(projections)


def _layer(result: StudyResult, states: list[State]) -> int:
    last = result.last_layer
    first = min(first_layer(state) for state in states)
    held = st.session_state.get("proj_layer", last)
    if not first <= held <= last:
        st.session_state.proj_layer = min(max(held, first), last)
    strip = st.empty()
    layer = st.slider(
        "Layer",
        first,
        last,
        result.peak("nas")[0],
        key="proj_layer",
        bind="query-params",
        help="Layer 0 is the token embedding, which has no neurons. The curves show the NAS, NAV and embedding scores.",
    )
    stage.moves("proj_layer", range(first, last + 1))
    with strip:
        still.fixed(layer_strip(result, layer, look.theme()), "proj_strip", strip_alt(result, layer))
    return layer


def _projections(
    study: Study, states: list[State], settings: ProjectionSettings
) -> tuple[list[Projection], tuple[State, ...]]:
    """The projections to draw, PCA where UMAP is not available yet, and the states whose UMAP is missing."""
    ready = {state: precomputed_projection(study, state, settings) for state in states}
    if all(ready.values()):
        return cast(list[Projection], [*ready.values()]), ()
    layers = states_or_stop(study, figures.HEIGHT)
    ready = {state: found or find_projection(study, layers, state, settings) for state, found in ready.items()}
    shown = [found or project(study, layers, state, ProjectionSettings("pca")) for state, found in ready.items()]
    return shown, tuple(state for state, found in ready.items() if found is None and settings.method == "umap")


def _umap_in_worker(request: Project) -> None:
    """Starts the fit once, releases one for other settings, and shows the progress."""
    state = st.session_state
    if state.get("proj_request") not in (None, request):
        release(state.proj_request)
    if state.get("proj_request") != request:
        state.proj_request = request
        submit(request)
    with st.container(border=True):
        if waiting(request):
            st.caption("Computing UMAP. Until it is done, the picture shows PCA.")
            progress(request)
        else:
            st.caption("UMAP has not been computed for these settings. The picture shows PCA.")
            icon = ":material/play_arrow:"
            st.button("Compute UMAP", icon=icon, on_click=submit, args=(request,), key="proj_run")


def _pair(pairs: int) -> int | None:
    """The index of the selected pair, or None."""
    if (st.session_state.get("proj_pair") or 0) > pairs:
        st.session_state.proj_pair = None
    number = st.number_input(
        "Pair",
        1,
        pairs,
        None,
        key="proj_pair",
        bind="query-params",
        placeholder="Click a point",
        help="Click a point, select a row of the table below, or type a number.",
    )
    return None if number is None else number - 1


def _panels(projections: list[Projection], bitext: Bitext, layer: int, pair: int | None, lines: bool) -> None:
    for column, projection in zip(st.columns(len(projections)), projections, strict=True):
        if layer not in projection.layers:
            column.info("Layer 0 is the token embedding, which has no neurons.", icon=":material/info:")
            continue
        key = f"proj_panel_{projection.state}"
        exportable = figures.exportable_projection(projection, bitext, layer, pair, lines)
        with column:
            shows = figures.projection_finding([projection], layer)
            look.picture(exportable, key, shows=shows, on_select=lambda key=key: _clicked(key), selection_mode="points")
    if len(bitext) > MOST_PAIRS:
        st.caption(f"Picture and numbers cover the first {MOST_PAIRS} of {len(bitext)} pairs.")


def _together(panels: int) -> str:
    """HTML of the buttons that play or stop all panels at once, and that a keyboard reaches before the panels."""
    text = (ASSETS / "play_together.html").read_text(encoding="utf-8")
    return text if panels == 2 else text.replace(" both", " all" if panels > 2 else "")


def _clicked(key: str) -> None:
    """Handles a click on a point: selects its pair."""
    if numbers := clicked(key):
        st.session_state.proj_pair = int(numbers[0])


def _pair_details(projections: list[Projection], bitext: Bitext, layer: int, pair: int) -> None:
    """Draws both sentences of the selected pair in full, with their similarity in every state."""
    sides = ((bitext.source, bitext.source_sentences[pair]), (bitext.target, bitext.target_sentences[pair]))
    for column, (code, sentence), colour in zip(st.columns(2), sides, PALETTES[look.theme()].languages, strict=True):
        column.html(sentence_html(code, pair + 1, sentence, colour))
    pair_table(projections, layer, pair)


def _curves(projections: list[Projection], layer: int) -> None:
    for column, number in zip(st.columns(2), ("foreign_neighbours", "silhouette"), strict=True):
        with column:
            look.picture(figures.exportable_numbers(projections, number, layer), f"proj_{number}")


def _table_of_pairs(study: Study, projections: list[Projection], bitext: Bitext, layer: int) -> None:
    """Draws the table of all pairs; a selected row selects the point."""
    count = projections[0].pairs
    table = pd.DataFrame(
        {
            "Pair": range(1, count + 1),
            language(bitext.source).name: bitext.source_sentences[:count],
            language(bitext.target).name: bitext.target_sentences[:count],
        }
    )
    for projection in projections:
        if layer in projection.layers:
            rows = [pair_row(projection, layer, pair) for pair in range(count)]
            table.insert(1, f"{STATE_NAMES[projection.state]} cosine", [row["Cosine"] for row in rows])
            table.insert(1, f"{STATE_NAMES[projection.state]} aligned", [row["Aligned"] for row in rows])

    def chosen() -> None:
        rows = st.session_state.proj_table.selection.rows
        if rows:
            st.session_state.proj_pair = rows[0] + 1

    with st.expander("All pairs (select a row to highlight it in the picture)", icon=":material/list:"):
        names = [f"{STATE_NAMES[each.state]} cosine" for each in projections]
        own = {name: Column(name, "%.3f") for name in names}
        look.table(table, own, key="proj_table", on_select=chosen, selection_mode="single-row", height=320)
        look.table_downloads(table, f"{study.stem}.layer{layer}.pairs", "proj_pairs")


def _table_of_numbers(projections: list[Projection]) -> None:
    table = pd.concat([projection.table for projection in projections], ignore_index=True)
    helps = look.passages("numbers")
    own = {name: Column(title, "%.2f", helps[name]) for name, title in figures.NUMBER_NAMES.items()}
    with st.expander("The numbers", icon=":material/table:"):
        look.table(table, own)
        first = projections[0]
        stem = f"{first.study.stem}.{first.settings.method}"
        look.table_downloads(table, stem, "proj_numbers", "This table:")
        look.table_downloads(
            lambda: pd.concat([each.points_table for each in projections], ignore_index=True),
            f"{stem}.points",
            "proj_points",
            "Points of all layers:",
        )


st.title("Projection")
st.html("<p class='nx-question'>Do sentences group by meaning or by language?</p>")

result = alignment_or_stop(560)
projection_view(result)
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("projection"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(result)
