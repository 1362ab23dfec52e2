"""Models: two to six models, or one in several ways, on the same sentences."""

import streamlit as st

from pages.shared import comparison, look

st.title("Models")
st.html("<p class='nx-question'>Which model keeps which languages together, and at what depth?</p>")

comparison.comparison_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "models.md").read_text(encoding="utf-8"))
