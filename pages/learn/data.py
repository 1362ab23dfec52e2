"""The data: the sentences of the study's corpus side by side, and what they are good for."""

import pandas as pd
import streamlit as st

from neuronxa_core.corpora.catalogue import BUNDLED, open_corpus
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import NeuronXAError
from pages.shared import look
from pages.shared.results import study_or_stop

MOST_SHOWN = 500

st.title("The data")
st.html("<p class='nx-question'>Which sentences are compared, and what are they good for?</p>")

study = study_or_stop()
entry = BUNDLED.get(study.corpus)
if entry:
    st.warning(entry.note, icon=":material/smart_toy:")
    st.caption(f"Licence: {entry.licence}")
try:
    bitext = open_corpus(study.corpus).bitext(study.source, study.target, study.pairs)
except NeuronXAError as problem:
    st.error(str(problem), icon=":material/error:")
    st.stop()
source, target = language(study.source), language(study.target)
with st.container(height=560, border=True):
    shown = range(min(len(bitext), MOST_SHOWN))
    look.sentence_table(
        {
            "Pair": [number + 1 for number in shown],
            source.name: [bitext.source_sentences[number] for number in shown],
            target.name: [bitext.target_sentences[number] for number in shown],
        },
        {source.name: source, target.name: target},
    )
if len(bitext) > MOST_SHOWN:
    st.caption(f"The first {MOST_SHOWN} of {len(bitext)} pairs.")
look.table_downloads(
    pd.DataFrame(
        {
            "pair": range(1, len(bitext) + 1),
            study.source: bitext.source_sentences,
            study.target: bitext.target_sentences,
        }
    ),
    f"{study.source}-{study.target}_{len(bitext)}",
    "data_pairs",
)
languages = [language(code) for code in open_corpus(study.corpus).languages]
st.subheader(f"{len(languages)} languages")
table = pd.DataFrame(
    {
        "Code": [known.code for known in languages],
        "Name": [known.name for known in languages],
        "Own name": [known.autonym for known in languages],
        "Family": [known.family for known in languages],
        "Script": [known.script for known in languages],
        "Resources": [known.resource_level for known in languages],
    }
)
st.dataframe(table, hide_index=True)
look.table_downloads(table, "languages", "data_languages")
st.caption("Resources: head languages are those XLM-R was trained on, all others are long-tail.")
