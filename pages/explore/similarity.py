"""Similarity: every sentence of one language against every sentence of the other, at one layer."""

import streamlit as st

from neuronxa_core.figures.layers import HEIGHT
from pages.shared import look, pairs
from pages.shared.results import layers_or_stop, result_or_stop

st.title("Similarity")
st.html("<p class='nx-question'>Which sentences does the model take for each other, and by how much?</p>")

result = result_or_stop(HEIGHT)
layers = layers_or_stop(result.study, HEIGHT)
pairs.similarity_view(result, layers)
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "similarity.md").read_text(encoding="utf-8"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(result)
