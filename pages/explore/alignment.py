"""Alignment: the scores of two languages, layer by layer."""

import streamlit as st

from neuronxa_core.figures import alignment as figures
from pages.shared import glossary, look, stage
from pages.shared.run import alignment_or_stop

st.title("Alignment by layer")
st.html("<p class='nx-question'>At which layer do two languages share their neurons, and how well?</p>")

result = alignment_or_stop(figures.HEIGHT)
finding = figures.alignment_finding(result)
picture, numbers = st.columns([5, 1.25], vertical_alignment="center")
with picture:
    layer = stage.layer(range(result.last_layer + 1), result.peak("nas")[0])
    look.picture(figures.exportable_curves(result, layer), "alignment_curve", shows=finding)
with numbers:
    look.score_cards(result)
st.markdown(finding)
st.caption(figures.tokenizer_finding(result))
with st.expander("The numbers", icon=":material/table:"):
    look.table(result.scores)
    look.table_downloads(result.scores, f"{result.study.stem}.scores", "alignment_scores")
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("alignment"))
with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
    look.provenance(result)
