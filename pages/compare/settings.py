"""Settings: how much each choice of the method matters for the study at hand, and how many pairs are enough."""

import streamlit as st

from pages.shared import ablation, look

st.title("Settings")
st.html("<p class='nx-question'>How much do the choices of the method matter, and how many pairs are enough?</p>")

ablation.ablation_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "settings.md").read_text(encoding="utf-8"))
