"""Languages: every language of the corpus against every other."""

import streamlit as st

from pages.shared import languages, look

st.title("Languages")
st.html("<p class='nx-question'>Which languages lie close together inside the model, and which are left out?</p>")

matrix = languages.matrix_or_stop()
languages.languages_view(matrix)
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "languages.md").read_text(encoding="utf-8"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(matrix)
