"""The data: the sentences of the study side by side, what may be wrong with them, and the way to bring one's own."""

import streamlit as st

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.errors import NeuronXAError
from pages.shared import bring, look, texts
from pages.shared.results import study_or_stop

st.title("The data")
st.html("<p class='nx-question'>Which sentences are compared, and what are they good for?</p>")
bring.bring_a_text()
study = study_or_stop()
try:
    corpus = open_corpus(study.corpus)
    text = corpus.text(study.source, study.target)
except NeuronXAError as problem:
    st.error(look.plain(str(problem)), icon=":material/error:")
    st.stop()
texts.about(study, corpus)
texts.check(study, text)
texts.side_by_side(study, text)
texts.languages(study, corpus)
