"""Asymmetry: P@1 in both directions, and the gap between them."""

import streamlit as st

from neuronxa_core.analyses.asymmetry import Asymmetry, direction_gaps, gap_table, largest_gap, one_way_table
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import asymmetry as figures
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.gallery.report import layers_at_hand
from neuronxa_core.states.sentences import State, first_layer
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from pages.shared import glossary, languages, look, stage
from pages.shared.part import with_answers
from pages.shared.run import Place, alignment_or_stop, answer_here
from pages.shared.sentences import sentence_table


@st.fragment
def direction_view(result: StudyResult) -> None:
    """Draws both directions of one state; its controls redraw only this fragment."""
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    state = look.state_control(STATE_NAMES, "asym_state", left)
    last = result.last_layer
    layer = right.slider(
        "Layer (for the table below)",
        first_layer(state),
        last,
        largest_gap(result, state)[0],
        key=f"asym_layer_{state}",
        bind="query-params",
    )
    stage.moves(f"asym_layer_{state}", range(first_layer(state), last + 1))
    look.picture(
        figures.exportable_direction(result, state, layer), "asym_curves", figures.direction_finding(result, state)
    )
    _one_way(result, state, layer)
    with st.expander("The numbers", icon=":material/table:"):
        gaps = direction_gaps(result)
        look.table(gaps)
        look.table_downloads(gaps, f"{result.study.stem}.directions", "asym_gaps")


def _one_way(result: StudyResult, state: State, layer: int) -> None:
    """Draws the pairs found in one direction only, with the sentence that beat the translation in the other."""
    study = result.study
    bitext = study.bitext()
    layers = layers_at_hand(study)
    table = one_way_table(result, bitext, state, layer, layers.cosines(state, layer) if layers else None)
    st.header(f"Found in one direction only, layer {layer}: {len(table)} of {result.pairs} pairs")
    if table.empty:
        st.caption("Every pair is found in both directions or in neither.")
        return
    source, target = language(study.source).name, language(study.target).name
    columns = {
        "Pair": table["pair"],
        "Found": [_way(study, found) for found in table["found"]],
        source: table["source_sentence"],
        target: table["target_sentence"],
    }
    if layers:
        columns |= {"Rival": table["taken_by"], "Sentence of the rival": table["sentence_in_its_place"]}
    sentence_table(
        {name: list(values) for name, values in columns.items()},
        {source: language(study.source), target: language(study.target)},
        height=360,
    )
    look.table_downloads(table, f"{study.stem}.layer{layer}.{state}.one_way", "asym_one_way")
    if not layers:
        st.caption(
            "To see which sentence was nearer than the translation, this machine needs the states of this pair: open "
            "the Similarity page to compute them."
        )


def _way(study: Study, found: str) -> str:
    names = language(study.source).name, language(study.target).name
    return " → ".join(names if found == "source_to_target" else reversed(names))


def across_languages(study: Study) -> None:
    """Draws the gap of every language against English or the study's target, or the invitation to compute it."""
    st.header("Across languages")
    study = study.against_pivot
    answered = with_answers(lambda codes: Asymmetry(study, codes))
    codes = languages.choose_languages(study, "asym_codes", (study.source,), without=study.target, answered=answered)
    if not codes:
        st.info("Choose at least one language.", icon=":material/translate:")
        return
    answer = answer_here(Asymmetry(study, codes), Place(height=300))
    if answer is None:
        return
    results = answer.results
    look.picture(figures.exportable_gaps(results), "asym_ranking", figures.gap_languages_finding(results))
    with st.expander("The numbers", icon=":material/table:"):
        table = gap_table(results)
        look.table(table)
        look.table_downloads(table, f"{study.stem}.gaps", "asym_languages")


st.title("Asymmetry")
st.html("<p class='nx-question'>Is a translation as easy to find in one direction as in the other?</p>")

result = alignment_or_stop(figures.CURVES_HEIGHT)
direction_view(result)
across_languages(result.study)
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("asymmetry"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(result)
