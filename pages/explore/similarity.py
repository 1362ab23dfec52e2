"""Similarity: every sentence of one language against every sentence of the other, at one layer."""

from functools import partial

import pandas as pd
import streamlit as st

from neuronxa_core.analyses import similarity as analysis
from neuronxa_core.analyses.similarity import ORDERS, Order, PairSimilarities, Similarity
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import similarity as figures
from neuronxa_core.figures.alignment import HEIGHT, layer_strip, strip_alt
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.figures.tables import Column
from neuronxa_core.metrics.cosines import Cosines
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from pages.explore.similarity_space import space_view
from pages.shared import glossary, look, stage, still
from pages.shared.clicks import clicked
from pages.shared.run import alignment_or_stop, followed_or_stop
from pages.shared.sentences import sentence_html, sentence_table

_order_name = look.named(
    {"source": "As in the corpus", "alignment": "Best aligned first", "clustered": "Clustered by similarity"}
)
Matrices = dict[State, Cosines]


@st.fragment
def similarity_view(result: StudyResult, answer: PairSimilarities) -> None:
    """Draws what depends on the layer or the selected cell; its controls redraw only this fragment."""
    study = result.study
    bitext = study.bitext()
    layer, order_name, shared = _controls(result)
    matrices = answer.cosines(layer)
    best = matrices.get("nas", matrices["embedding"])
    pictures = st.container()
    st.markdown(figures.similarity_finding(result, matrices, layer))
    source, target = _cell(bitext)
    with pictures:
        order = _window(analysis.pair_order(best, order_name), source)
        _panels(result, layer, matrices, order, (source, target), shared)
    _cell_details(study, layer, bitext, matrices, source, target)
    _table(study, bitext, matrices, layer)
    space_view(result, answer.measures, matrices, layer)


def _controls(result: StudyResult) -> tuple[int, Order, bool]:
    last = result.last_layer
    slider, order, scale = st.columns([2.2, 1, 1], vertical_alignment="bottom")
    with slider:
        if st.session_state.get("sim_layer", 0) > last:  # of a study with more layers
            st.session_state.sim_layer = last
        strip = st.empty()
        layer = st.slider(
            "Layer",
            0,
            last,
            result.peak("nas")[0],
            key="sim_layer",
            bind="query-params",
            help="Layer 0 is the token embedding, which has no neurons. The curves show the NAS, NAV and embedding "
            "scores.",
        )
        with strip:
            still.fixed(layer_strip(result, layer, look.theme()), "sim_strip", strip_alt(result, layer))
    stage.moves("sim_layer", range(last + 1))
    many = result.pairs > analysis.MOST_CLUSTERED
    order_name = order.selectbox(
        "Order",
        [each for each in ORDERS if not (many and each == "clustered")],
        format_func=_order_name,
        key="sim_order",
        bind="query-params",
        help="Order of rows and columns."
        + (f" More than {analysis.MOST_CLUSTERED:,} pairs are not clustered." if many else ""),
    )
    shared = scale.toggle(
        "One colour scale",
        key="sim_scale",
        bind="query-params",
        help="On: the three matrices share one scale, so that colours can be compared. Off: each has its own range.",
    )
    return layer, order_name, shared


def _cell(bitext: Bitext) -> tuple[int, int]:
    """The selected cell, as indices: clicked, picked in the table, typed, or given by the link."""
    numbers = []
    for column, (name, code) in zip(
        st.columns(2), (("sim_source", bitext.source), ("sim_target", bitext.target)), strict=True
    ):
        if st.session_state.get(name, 1) > len(bitext):
            st.session_state[name] = 1
        number = column.number_input(
            f"{language(code).name} sentence",
            1,
            len(bitext),
            1,
            key=name,
            bind="query-params",
            width=200,
            help="Click a cell, select a row of the table below, or type a number.",
        )
        numbers.append(number - 1)
    return numbers[0], numbers[1]


def _look_at(source: int, target: int) -> None:
    """Selects a pair for the next rerun. source, target: indices."""
    st.session_state.sim_source, st.session_state.sim_target = source + 1, target + 1


def _window(order: list[int], source: int) -> list[int]:
    """The part of a long order that the figures show, moved so that a newly selected row is in it. source: that row."""
    if len(order) <= figures.MOST_SHOWN:
        return order
    last = len(order) - figures.MOST_SHOWN + 1
    first, place = st.session_state.get("sim_from", 1), order.index(source)
    if st.session_state.get("sim_followed") != source and not first - 1 <= place < first - 1 + figures.MOST_SHOWN:
        first = place + 1
    if "sim_from" in st.session_state or first > 1:
        st.session_state.sim_from = min(first, last)
    st.session_state.sim_followed = source
    first = st.number_input(
        f"{figures.MOST_SHOWN} of {len(order)} pairs, starting at",
        1,
        last,
        1,
        figures.MOST_SHOWN,
        key="sim_from",
        bind="query-params",
        width=260,
        help="The pictures show part of the pairs, in the order chosen above; numbers and table cover all pairs.",
    )
    return order[first - 1 :][: figures.MOST_SHOWN]


def _panels(
    result: StudyResult, layer: int, matrices: Matrices, order: list[int], cell: tuple[int, int], shared: bool
) -> None:
    scale = None
    if shared:
        told = [cosines.summary for cosines in matrices.values()]
        scale = (min(each.low for each in told), max(each.high for each in told))
    for column, state in zip(st.columns(3), STATES, strict=True):
        if state not in matrices:
            column.info("Layer 0 is the token embedding, which has no neurons.", icon=":material/info:")
            continue
        exportable = figures.exportable_matrix(result.study, matrices[state], state, layer, order, cell, scale)
        key = f"sim_matrix_{state}"
        with column:
            shows = figures.similarity_finding(result, {state: matrices[state]}, layer)
            look.picture(exportable, key, shows=shows, on_select=lambda key=key: _clicked(key), selection_mode="points")


def _clicked(key: str) -> None:
    """Handles a click on a cell of a matrix: selects its sentences."""
    if numbers := clicked(key):
        _look_at(*(int(number) - 1 for number in numbers[:2]))


def _cell_details(study: Study, layer: int, bitext: Bitext, matrices: Matrices, source: int, target: int) -> None:
    """Draws both sentences in full, their similarity and ranks, and the nearest rivals on each side."""
    left, right = st.columns(2)
    left.html(sentence_html(bitext.source, source + 1, bitext.source_sentences[source]))
    right.html(sentence_html(bitext.target, target + 1, bitext.target_sentences[target]))
    if source == target:
        st.caption("These sentences are translations of each other.")
    else:
        st.caption(f"Not translations of each other: source sentence {source + 1} and target sentence {target + 1}.")
    rows = []
    for state, cosines in matrices.items():
        across, down = cosines.row(source), cosines.column(target)
        rows.append(
            {
                "State": STATE_NAMES[state],
                "Cosine": across[target],
                "Rank among targets": int((across >= across[target]).sum()),
                "Rank among sources": int((down >= across[target]).sum()),
            }
        )
    look.table(pd.DataFrame(rows), {"Cosine": Column("Cosine", "%.3f")})
    rivals = analysis.rival_table(bitext, matrices, source, target)
    if st.session_state.get("sim_rivals") not in (None, *matrices):  # at layer 0 there are no neurons
        del st.session_state.sim_rivals
    state = st.segmented_control(
        "Strongest rivals by",
        list(matrices),
        format_func=look.named(STATE_NAMES),
        default=next(iter(matrices)),
        key="sim_rivals",
        bind="query-params",
        required=True,
    )
    if state not in matrices:
        state = next(iter(matrices))
    for column, side, code, other in zip(
        st.columns(2), ("source", "target"), (bitext.source, bitext.target), (bitext.target, bitext.source), strict=True
    ):
        with column:
            _rivals(code, other, rivals[(rivals["state"] == state) & (rivals["side"] == side)])
    look.table_downloads(rivals, f"{study.stem}.layer{layer}.cell{source + 1}-{target + 1}", "sim_rivals_table")


def _rivals(code: str, other: str, rivals: pd.DataFrame) -> None:
    """Draws the sentences of `code` that are nearest to the selected sentence of `other`."""
    st.caption(f"{language(code).name} sentences nearest to the {language(other).name} one")
    columns = {"No.": rivals["pair"], "Cosine": rivals["cosine"], "Sentence": rivals["sentence"]}
    sentence_table({name: list(values) for name, values in columns.items()}, {"Sentence": language(code)})


def _table(study: Study, bitext: Bitext, matrices: Matrices, layer: int) -> None:
    """Draws the table of all pairs; a selected row selects the cell."""
    st.header("All pairs")
    table = analysis.pair_table(bitext, matrices)
    source, target = (language(code).name for code in (bitext.source, bitext.target))
    shown = table.rename(columns={"pair": "Pair", "source_sentence": source, "target_sentence": target})
    for state in reversed(matrices):
        shown.insert(1, f"{STATE_NAMES[state]} aligned", table[f"{state}_margin"] > 0)

    def chosen() -> None:
        rows = st.session_state.sim_table.selection.rows
        if rows:
            _look_at(rows[0], rows[0])

    look.table(
        shown,
        column_config={"Pair": st.column_config.NumberColumn(width=56, pinned=True)},
        key="sim_table",
        on_select=chosen,
        selection_mode="single-row",
        height=320,
    )
    look.table_downloads(table, f"{study.stem}.layer{layer}.pairs", "sim_pairs", "All pairs:")
    if len(table) > analysis.MOST_CLUSTERED:
        st.caption(f"The table of all cells is offered for up to {analysis.MOST_CLUSTERED:,} pairs.")
        return
    cosines = partial(analysis.cosine_table, matrices)
    look.table_downloads(cosines, f"{study.stem}.layer{layer}.cosines", "sim_cosines", "All cells of the matrices:")


st.title("Similarity")
st.html("<p class='nx-question'>Which sentences does the model mistake for each other, and by how much?</p>")

result = alignment_or_stop(HEIGHT)
similarity_view(result, followed_or_stop(Similarity(result.study), HEIGHT))
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("similarity"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(result)
