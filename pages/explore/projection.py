"""Projection: every sentence a point, layer by layer, with the numbers that keep the picture honest."""

import streamlit as st

from pages.shared import look
from pages.shared.points import projection_view
from pages.shared.results import result_or_stop

st.title("Projection")
st.html("<p class='nx-question'>Do sentences gather by what they say, or by the language they say it in?</p>")

result = result_or_stop(560)
projection_view(result)
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "projection.md").read_text(encoding="utf-8"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(result)
