"""Asymmetry: does each language find the other equally well?"""

import streamlit as st

from neuronxa_core.figures.direction import CURVES_HEIGHT
from pages.shared import directions, look
from pages.shared.results import result_or_stop

st.title("Asymmetry")
st.html("<p class='nx-question'>Is the way there as easy as the way back?</p>")

result = result_or_stop(CURVES_HEIGHT)
directions.direction_view(result)
directions.across_languages(result.study)
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "asymmetry.md").read_text(encoding="utf-8"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(result)
