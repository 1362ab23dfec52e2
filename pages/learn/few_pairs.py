"""The choice of a few pairs, which Method and Embeddings explain themselves with."""

import streamlit as st

from neuronxa_core.analyses.method import PAIRS, with_lines
from neuronxa_core.interface import tr
from neuronxa_core.study.study import Study
from pages.shared import bound
from pages.shared.precision import or_stop

_MOST_OFFERED = 500


def few_pairs(study: Study) -> Study:
    """The study with at most five pairs: its own if it has no more, else the first five or those that are chosen."""
    if study.pairs <= PAIRS:
        return study
    bitext = or_stop(study.bitext)
    lines = list(bitext.lines)[:_MOST_OFFERED]
    sentences = dict(zip(bitext.lines, bitext.source_sentences, strict=True))
    bound.adopt("met_pairs", lines, lines[:PAIRS], bound.number)
    with st.popover(tr("Choose the pairs"), icon=":material/checklist:"):
        chosen = st.multiselect(
            tr("Two to {most} pairs of the corpus", most=PAIRS),
            lines,
            key="met_pairs",
            max_selections=PAIRS,
            format_func=lambda line: f"{line} · {sentences[line][:60]}",
        )
        st.caption(tr("Or type sentences of your own: **Type text**, beside the study line."))
    bound.write("met_pairs")
    if len(chosen) < 2:
        st.info(tr("Choose at least two pairs: one pair alone has no rival."), icon=":material/checklist:")
        st.stop()
    return with_lines(study, sorted(chosen))
