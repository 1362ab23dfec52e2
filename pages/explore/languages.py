"""Languages: every language of the corpus against every other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.language_matrix import LanguageMatrix
from neuronxa_core.analyses.language_order import (
    LANGUAGE_ORDERS,
    LanguageOrder,
    arrange,
    level_summary,
    pivot_scores,
)
from neuronxa_core.analyses.languages import Languages
from neuronxa_core.corpora.languages import ENGLISH, language, search_terms
from neuronxa_core.figures import languages as figures
from neuronxa_core.figures.palette import STATE_HELP, STATE_NAMES
from neuronxa_core.figures.tables import Column
from neuronxa_core.states.sentences import STATES, State
from pages.shared import bound, glossary, languages, look, picker, stage
from pages.shared.clicks import clicked
from pages.shared.part import with_answers
from pages.shared.run import Place, answer_or_stop, settle_or_stop, study_or_stop

HEIGHT = 560
_MOST_HEIGHT = 720  # of the ranking of many languages, which then scrolls
_ALIGNMENT = Path(__file__).parent.parent / "explore" / "alignment.py"
_ORDER_NAMES = {
    "similarity": "By similarity (clustered)",
    "family": "By family",
    "script": "By script",
    "resources": "Head, then long-tail",
    "name": "By name",
}
_MEAN = "mean"


def matrix_or_stop() -> LanguageMatrix:
    """The matrix of the chosen languages, with its study line; otherwise the page stops with invitation or progress."""
    study = study_or_stop()
    answered = with_answers(lambda codes: Languages(study, codes))
    codes = languages.choose_languages(
        study, "lang_codes", (study.source, study.target), answered=answered, most=languages.MOST_IN_MATRIX
    )
    if len(codes) < 2:
        st.info("Choose at least two languages.", icon=":material/translate:")
        st.stop()
    request = settle_or_stop(Languages(study, codes))

    def names(asked: Languages) -> str:
        return f"{len(asked.languages)} languages, each against every other"

    return answer_or_stop(request, Place(HEIGHT, names, look.matrix_files))


@st.fragment
def languages_view(matrix: LanguageMatrix) -> None:
    """Draws what depends on state, layer, order or pivot; its controls redraw only this fragment."""
    if pair := st.session_state.pop("lang_pair", None):
        picker.open_study(_ALIGNMENT, replace(matrix.study, source=pair[0], target=pair[1]))
    state, layer, order = _controls(matrix)
    finding = figures.matrix_finding(matrix, state, layer)
    large = len(matrix.codes) > figures.LARGE
    found = _find(matrix) if large else []
    picture, table = (st.container(), st.container()) if large else st.columns([1.55, 1])
    with picture:
        exportable = figures.exportable_languages(matrix, arrange(matrix, order, state, layer), state, layer, found)
        if large:
            look.picture(exportable, "lang_matrix", shows=finding)
        else:
            look.picture(exportable, "lang_matrix", shows=finding, on_select=_clicked, selection_mode="points")
    with table:
        _pairs(matrix, state, layer, found)
    st.markdown(finding)
    _pivot(matrix, layer)


def _controls(matrix: LanguageMatrix) -> tuple[State, int | None, LanguageOrder]:
    which, how_deep, how = st.columns([1.3, 1.6, 1], vertical_alignment="bottom")
    states_help = "\n\n".join(f"**{STATE_NAMES[state]}.** {STATE_HELP[state]}" for state in STATES)
    state = look.state_control(STATE_NAMES, "lang_state", which, states_help)
    layers = [_MEAN, *map(str, matrix.layers(state))]
    if st.session_state.get("lang_layer", _MEAN) not in layers:
        st.session_state.lang_layer = _MEAN
    layer = how_deep.select_slider(
        "Layer",
        layers,
        key="lang_layer",
        bind="query-params",
        help="`mean` is the mean over all layers: NASCA, NAVCA or MEXA. Layer 0 is the token embedding.",
    )
    stage.moves("lang_layer", layers)
    order = how.selectbox(
        "Order", LANGUAGE_ORDERS, format_func=look.named(_ORDER_NAMES), key="lang_order", bind="query-params"
    )
    return state, None if layer == _MEAN else int(layer), order


def _find(matrix: LanguageMatrix) -> list[str]:
    """The languages to frame in a matrix that has no room for all names, and whose pairs the table lists."""
    codes = sorted(matrix.codes, key=lambda code: language(code).name)
    found: list[str] = st.multiselect(
        "Find", codes, format_func=search_terms, key="lang_find", placeholder="a language, its own name, or a code"
    )
    st.caption("Drag a rectangle over the matrix to zoom in; a double click shows all again.")
    return found


def _clicked() -> None:
    """Handles a click on a cell: the next rerun opens its pair."""
    codes = tuple(clicked("lang_matrix")[:2])
    if len(set(codes)) == 2:
        st.session_state.lang_pair = codes


def _pairs(matrix: LanguageMatrix, state: State, layer: int | None, found: Sequence[str] = ()) -> None:
    """Draws the table of pairs, best first; a selected row opens its pair. found: only pairs with one of them."""
    pairs = matrix.pairs(state, layer).sort_values("score", ascending=False, ignore_index=True, kind="stable")
    if found:
        pairs = pairs[pairs["source"].isin(found) | pairs["target"].isin(found)].reset_index(drop=True)
    names = pairs[["source", "target"]].map(lambda code: language(code).name)

    def chosen() -> None:
        rows = st.session_state.lang_pairs.selection.rows
        if rows:
            st.session_state.lang_pair = tuple(pairs.loc[rows[0], ["source", "target"]])

    click = "" if len(matrix.codes) > figures.LARGE else "Click a cell or "
    st.caption(f"{click}{'s' if click else 'S'}elect a row to open that pair on the Alignment page.")
    look.table(
        pd.DataFrame(
            {
                "Language": names["source"],
                "with": names["target"],
                "Score": pairs["score"],
                "→": pairs["source_to_target"],
                "←": pairs["target_to_source"],
            }
        ),
        {
            "Language": Column("Language", width=92),
            "with": Column("with", width=92),
            "Score": Column("Score", "%.2f", "Share of pairs that are each other's nearest neighbour", 50),
            "→": Column("→", "%.2f", "P@1 from the first language to the second", 50),
            "←": Column("←", "%.2f", "P@1 from the second language to the first", 50),
        },
        key="lang_pairs",
        on_select=chosen,
        selection_mode="single-row",
        height=min(HEIGHT, 36 * (len(pairs) + 1) + 2),
    )
    where = "mean" if layer is None else f"layer{layer}"
    look.table_downloads(pairs, f"{matrix.stem}.{state}.{where}.pairs", "lang_pairs_table")


def _pivot(matrix: LanguageMatrix, layer: int | None) -> None:
    """Draws one language against all others, head and long-tail partners apart."""
    st.header("One language against all others")
    codes = sorted(matrix.codes, key=lambda code: language(code).name)
    bound.adopt("lang_pivot", codes, ENGLISH if ENGLISH in codes else codes[0], bound.code_of)
    pivot = st.selectbox(
        "Language",
        codes,
        format_func=search_terms,
        key="lang_pivot",
        width=320,
        help="The paper scores every language against English. Any other can take its place here.",
    )
    bound.write("lang_pivot")
    scores = pivot_scores(matrix, pivot, layer)
    summary = level_summary(scores)
    ranking, levels = st.columns([1.2, 1], gap="large")
    with ranking.container(height=_MOST_HEIGHT if len(scores) > figures.LARGE else "content"):
        look.picture(
            figures.exportable_pivot(matrix, scores, pivot, layer), "lang_ranking", figures.pivot_finding(scores, pivot)
        )
    with levels:
        look.picture(
            figures.exportable_levels(matrix, scores, summary, pivot, layer),
            "lang_levels",
            figures.level_finding(summary, pivot),
        )
        st.caption("Languages in italics are long-tail: XLM-R was not trained on them.")
    st.caption(figures.fertility_finding(scores, pivot))
    with st.expander("The numbers of the two pictures", icon=":material/table:"):
        where = "mean" if layer is None else f"layer{layer}"
        for name, table in (("ranking", scores), ("levels", summary)):
            look.table(table)
            look.table_downloads(table, f"{matrix.stem}.{pivot}.{where}.{name}", f"lang_{name}_table")


st.title("Languages")
st.html("<p class='nx-question'>Which languages lie close together inside the model, and which are left out?</p>")

matrix = matrix_or_stop()
languages_view(matrix)
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("languages"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(matrix)
