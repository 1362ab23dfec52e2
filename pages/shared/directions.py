"""The view of the Asymmetry page: one state's directions, the pairs found one way only, and all languages."""

from dataclasses import replace
from typing import cast

import pandas as pd
import streamlit as st

from neuronxa_core import figures
from neuronxa_core.alignment.direction import direction_gaps, largest_gap, mean_gap, one_way_pairs, usurper
from neuronxa_core.alignment.result import Study, StudyResult
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.gallery import gallery_results
from neuronxa_core.states.sentences import STATES, State, first_layer
from pages.shared import look
from pages.shared.results import layers_at_hand


@st.fragment
def direction_view(result: StudyResult) -> None:
    """Both directions of one state; a change of view draws only this again."""
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    state = cast(
        State,
        left.segmented_control(
            "State",
            STATES,
            format_func=STATE_NAMES.get,
            default="nas",
            required=True,
            key="asym_state",
            bind="query-params",
        ),
    )
    last = int(result.scores["layer"].max())
    layer = right.slider(
        "Layer of the table below",
        first_layer(state),
        last,
        largest_gap(result, state)[0],
        key=f"asym_layer_{state}",
        bind="query-params",
    )
    st.plotly_chart(
        figures.direction_curves(result, state, layer, look.theme()),
        key="asym_curves",
        theme=None,
        config=look.PLOTLY_CONFIG,
    )
    st.markdown(figures.direction_finding(result, state))
    _one_way(result, state, layer)
    with st.expander("The numbers", icon=":material/table:"):
        gaps = direction_gaps(result)
        st.dataframe(gaps, hide_index=True)
        look.table_downloads(gaps, f"{result.study.stem}.directions", "asym_gaps")


def _one_way(result: StudyResult, state: State, layer: int) -> None:
    """Who is found one way only, and the sentence that took the place of the translation the other way."""
    study = result.study
    table = one_way_pairs(result, state, layer)
    st.subheader(f"Found one way only at layer {layer}: {len(table)} of {result.pairs} pairs")
    if table.empty:
        st.caption("Every pair is found both ways or not at all.")
        return
    bitext = open_corpus(study.corpus).bitext(study.source, study.target, study.pairs)
    source, target = language(study.source).name, language(study.target).name
    layers = layers_at_hand(study)
    rows = []
    for pair, found in zip(table["pair"] - 1, table["found"], strict=True):
        forth = found == "source_to_target"
        row = {
            "Pair": pair + 1,
            "Found": " → ".join(
                code[:3] for code in ((study.source, study.target) if forth else (study.target, study.source))
            ),
            source: bitext.source_sentences[pair],
            target: bitext.target_sentences[pair],
        }
        if layers:
            lost = "target_to_source" if forth else "source_to_target"
            rival = usurper(layers.similarity(state, layer), pair, lost)
            sentences = bitext.source_sentences if forth else bitext.target_sentences
            row |= {"Taken by": rival + 1, "Sentence in its place": sentences[rival]}
        rows.append(row)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    with st.container(height=360, border=True):
        look.sentence_table(columns, {source: language(study.source), target: language(study.target)})
    if not layers:
        st.caption(
            "Which sentence took a translation's place needs the states of this pair, which are not on this machine: "
            "open the Similarity page to compute them."
        )


def across_languages(study: Study) -> None:
    """The gap of every precomputed language, where the study's choices are the gallery's."""
    st.subheader("Across languages")
    results = [
        result
        for result in gallery_results().values()
        if replace(study, source=result.study.source, target=result.study.target, dtype="auto") == result.study
    ]
    if not results:
        st.caption(
            "Precomputed for the demo model on the bundled corpus with 100 pairs, site gate and position pooling only."
        )
        return
    st.plotly_chart(
        figures.gap_ranking(results, look.theme()), key="asym_ranking", theme=None, config=look.PLOTLY_CONFIG
    )
    st.markdown(figures.gap_languages_finding(results))
    with st.expander("The numbers", icon=":material/table:"):
        table = pd.DataFrame(
            [
                {"language": result.study.source, "target": result.study.target}
                | {
                    f"{state}_{name}": value
                    for state in STATES
                    for name, value in zip(("gap", "low", "high"), mean_gap(result, state), strict=True)
                }
                for result in results
            ]
        )
        st.dataframe(table, hide_index=True)
        look.table_downloads(table, "direction_gaps", "asym_languages")
