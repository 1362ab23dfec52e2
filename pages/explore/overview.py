"""The first page: what this is, real pictures at once, and four questions that lead into the other pages."""

import streamlit as st

from neuronxa_core import figures
from neuronxa_core.figures import plates
from neuronxa_core.gallery import gallery_results
from pages.shared import headlines, look
from pages.shared.results import study_line

st.title("Inside a multilingual language model")
st.html(
    "<p class='nx-question'>Does the same meaning switch on the same neurons, whatever the language? Layer by layer, here is the answer.</p>"
)
st.markdown((look.TEXTS / "welcome.md").read_text(encoding="utf-8"))

studies = gallery_results()
result = headlines.result_to_show()
if result is None:
    st.info(
        "The precomputed results are missing. Build them with: python -m neuronxa_core gallery", icon=":material/info:"
    )
    st.stop()
study_line(result.study, "precomputed", files=look.study_files(result))
headlines.say_what_stands_instead(result)
picture, numbers = st.columns([5, 1.25], vertical_alignment="center")
with picture:
    look.picture(plates.curves_plate(result), "overview_curve")
with numbers:
    look.score_cards(result)
st.markdown(figures.alignment_finding(result))
headlines.link("alignment", "Look closer, or run another pair", result.study)

st.header("Four questions to ask it")
headlines.four_questions(result)

st.header("Which languages does this model keep close to English?")
left, right = st.columns(2)
with left:
    look.picture(plates.ranking_plate(list(studies.values())), "overview_ranking")
with right:
    look.picture(plates.layers_plate(list(studies.values()), "nas"), "overview_layers")
st.caption(
    "Left: NASCA is measured on neuron states, MEXA on embeddings, both means over layers; lines are 95 % intervals. Right: the "
    "NAS score layer by layer. Demo model on the bundled sentences, which are machine-translated: for teaching, not for "
    "publication. Languages in italics are long-tail: XLM-R was not trained on them."
)
with st.expander("The numbers", icon=":material/table:"):
    table = headlines.languages_table(list(studies.values()))
    st.dataframe(table, hide_index=True)
    look.table_downloads(table, "languages_to_english", "overview_table")
with st.expander("What am I looking at?", icon=":material/help:"):
    st.markdown((look.TEXTS / "primer.md").read_text(encoding="utf-8"))
