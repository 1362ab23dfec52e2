"""Settings: how much each choice of the method matters for the study at hand, and how many pairs are enough."""

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.pairs_needed import PairsNeeded
from neuronxa_core.analyses.settings import Ablation, Settings, readouts_of
from neuronxa_core.analyses.space import ENDS
from neuronxa_core.analyses.space_means import COLUMNS, choices_with_space, studies_of_choices
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import search_terms
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.figures import settings as figures
from neuronxa_core.figures.palette import SCORE_NAMES
from neuronxa_core.study.study import Study
from pages.shared import bound, glossary, languages, look
from pages.shared.part import with_answers
from pages.shared.run import Place, answer_here, answer_or_stop, settle_or_stop, study_or_stop
from pages.shared.space import invite_to_space, space_here

_MOST_PIVOTS = 5


def ablation_page() -> None:
    study = study_or_stop()
    request = settle_or_stop(Settings(study, _pivots(study)))
    readouts = f"{len(readouts_of(study))} readouts of the model, all from one pass per language."
    ablation = answer_or_stop(request, Place(420, note=lambda: readouts))
    space = space_here(filter(None, studies_of_choices(ablation)))
    _view(ablation, choices_with_space(ablation, space.means.get))
    invite_to_space(space)
    _pairs_needed(ablation.study)


def _pivots(study: Study) -> tuple[str, ...]:
    """The other targets to compare with, chosen among the corpus's languages."""
    try:
        beside = open_corpus(study.corpus).beside(study.source)
    except NeuronXAError:
        return ()
    offered = [code for code in beside if code != study.target]
    bound.adopt("set_pivots", offered, [], bound.code_of)
    chosen = tuple(
        st.multiselect(
            "Other targets",
            offered,
            key="set_pivots",
            format_func=search_terms,
            max_selections=_MOST_PIVOTS,
            help="The paper scores every language against English. Choose other languages to score the source against.",
        )
    )
    bound.write("set_pivots")
    return chosen


@st.fragment
def _view(ablation: Ablation, choices: pd.DataFrame) -> None:
    """choices: the table with the measures of the space."""
    state = look.state_control(SCORE_NAMES, "set_state")
    look.picture(
        figures.exportable_ablation(ablation.study, ablation.table, state),
        "set_ablation",
        figures.ablation_finding(ablation.table, state),
    )
    with st.expander("The numbers", icon=":material/table:"):
        for key, table in (("ablation", choices), ("pairs", ablation.pairs)):
            shown = figures.named_choices(table) if key == "ablation" else table
            look.table(shown.drop(columns=[name for name in COLUMNS if name.endswith(ENDS)], errors="ignore"))
            look.table_downloads(table, f"{ablation.study.stem}.{key}", f"set_{key}")
    st.header("How many pairs are enough?")
    look.picture(figures.exportable_pairs(ablation.study, ablation.pairs, "score"), "set_pairs")


def _pairs_needed(study: Study) -> None:
    """Draws the rank correlation over languages, a run of its own since it needs the states of all of them."""
    answered = with_answers(lambda codes: PairsNeeded(study, codes))
    codes = languages.choose_languages(study, "set_codes", (study.source,), without=study.target, answered=answered)
    if len(codes) < 3:
        st.info("Choose at least three languages to compare their ranking.", icon=":material/translate:")
        return
    answer = answer_here(PairsNeeded(study, codes), Place(figures.PAIRS_HEIGHT, key="_ranks"))
    if answer is None:
        return
    needed, study = answer.table, answer.study
    look.picture(
        figures.exportable_pairs(study, needed, "rank_correlation"),
        "set_ranks",
        figures.pairs_finding(needed, len(answer.languages)),
    )
    look.table_downloads(needed, f"{study.stem}.pairs_needed", "set_needed")


st.title("Settings")
st.html("<p class='nx-question'>How much do the choices of the method matter, and how many pairs are enough?</p>")

ablation_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("settings"))
