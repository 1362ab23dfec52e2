"""The few pairs that Method and Embeddings explain themselves with: their choice and their worked example."""

import streamlit as st

from neuronxa_core.analyses.method import PAIRS, Method, with_lines
from neuronxa_core.analyses.worked_example import WorkedExample
from neuronxa_core.interface import tr
from neuronxa_core.study.study import Study
from pages.shared import bound, look
from pages.shared.precision import or_stop
from pages.shared.run import Place, answer_or_stop, settle_or_stop, study_or_stop

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


def example_or_stop() -> WorkedExample:
    """The worked example of few pairs, with the choice of the pairs below its study line; or what it needs to run."""
    line, choice = st.container(), st.container()
    with choice:
        study = few_pairs(study_or_stop())
    request = settle_or_stop(or_stop(lambda: Method(study)))
    with line:
        return answer_or_stop(request, Place(400, files=lambda answer: look.study_files(answer.result)))
