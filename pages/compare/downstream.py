"""Downstream: does alignment predict how well the model does in a language?"""

import streamlit as st

from pages.shared import downstream, look

st.title("Downstream")
st.html("<p class='nx-question'>Does alignment predict how well the model does in a language?</p>")

downstream.bring_accuracies()
downstream.downstream_page()
with st.expander("What papers report", icon=":material/menu_book:"):
    downstream.published()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "downstream.md").read_text(encoding="utf-8"))
