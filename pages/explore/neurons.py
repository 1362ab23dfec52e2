"""Neurons: which are shared by languages, which belong to one, and what pooled states are made of."""

import streamlit as st

from pages.shared import look, neurons

st.title("Neurons")
st.html("<p class='nx-question'>Which neurons do languages share, and which does one keep for itself?</p>")

neurons.neurons_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "neurons.md").read_text(encoding="utf-8"))
