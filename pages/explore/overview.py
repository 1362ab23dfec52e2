"""The first page: what this is, and real curves at once."""

import streamlit as st

from neuronxa_core import figures
from neuronxa_core.gallery import gallery_results, precomputed
from pages.shared import look, picker
from pages.shared.frame import PAGES
from pages.shared.results import study_line

st.title("Inside a multilingual language model")
st.html(
    "<p class='nx-question'>Does the same meaning switch on the same neurons, whatever the language? Layer by layer, here is the answer.</p>"
)

studies = gallery_results()
chosen = st.session_state.study
result = (precomputed(chosen) if chosen else None) or precomputed(picker.DEFAULT)
if result is None:
    st.info(
        "The precomputed results are missing. Build them with: python -m neuronxa_core gallery", icon=":material/info:"
    )
    st.stop()
study_line(result.study, "precomputed")
st.plotly_chart(figures.layer_curves(result, look.theme()), key="overview_curve", theme=None, config=look.PLOTLY_CONFIG)
st.markdown(figures.alignment_finding(result))
look.score_cards(result)
st.page_link(PAGES / "explore/alignment.py", label="Look closer, or run another pair", icon=":material/arrow_forward:")

st.header("Which languages does this model keep close to English?")
st.plotly_chart(
    figures.language_ranking(list(studies.values()), look.theme()),
    key="overview_ranking",
    theme=None,
    config=look.PLOTLY_CONFIG,
)
st.caption(
    "NASCA is measured on neuron states, MEXA on embeddings; lines are 95 % intervals. Demo model on the bundled sentences, which are machine-translated: for teaching, not for publication. Languages in italics "
    "are long-tail: XLM-R was not trained on them."
)
with st.expander("What am I looking at?", icon=":material/help:"):
    st.markdown((look.TEXTS / "primer.md").read_text(encoding="utf-8"))
