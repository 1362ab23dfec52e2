"""Settings: how much each choice of the method matters for the study at hand, and how many pairs are enough."""

from collections.abc import Hashable, Iterator
from typing import cast

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.pairs_needed import run_pairs_needed
from neuronxa_core.analyses.settings import Ablation, find_ablation, readouts_of, run_ablation
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import search_terms
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.figures import settings as figures
from neuronxa_core.figures.palette import SCORE_NAMES
from neuronxa_core.gallery.read import precomputed_ablation, precomputed_pairs_needed
from neuronxa_core.progress import Watcher
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.study import Study
from pages.shared import look, picker
from pages.shared.precision import in_one_precision
from pages.shared.results import (
    find,
    invitation,
    run_here,
    run_or_stop,
    sentences_against_target,
    study_line,
    study_or_stop,
)

_MOST_PIVOTS = 5


def ablation_page() -> None:
    study = in_one_precision(study_or_stop())
    pivots = _pivots(study)
    ablation = _ablation_or_stop(study, pivots)
    _view(ablation)
    _pairs_needed(ablation.study)


def _pivots(study: Study) -> tuple[str, ...]:
    """Other targets, as far as the corpus has them beside the source."""
    try:
        beside = open_corpus(study.corpus).beside(study.source)
    except NeuronXAError:
        return ()
    offered = [code for code in beside if code != study.target]
    kept = st.session_state.get("set_pivots")
    if kept is not None and not set(kept) <= set(offered):
        del st.session_state.set_pivots
    return tuple(
        st.multiselect(
            "Other pivots",
            offered,
            key="set_pivots",
            bind="query-params",
            format_func=search_terms,
            max_selections=_MOST_PIVOTS,
            help="The paper measures everything against English. Choose other languages to score the source against.",
        )
    )


def _ablation_or_stop(study: Study, pivots: tuple[str, ...]) -> Ablation:
    request: Hashable = (study, "ablation", pivots)
    found = find(request, lambda: None if pivots else precomputed_ablation(study), lambda: find_ablation(study, pivots))
    if found is None:
        study_line(study, "")

        def work(watcher: Watcher) -> Ablation:
            return run_ablation(study, pivots, watcher=watcher)

        def sentences() -> Iterator[str]:
            bitext = study.bitext()
            return (text for side in (bitext.source_sentences, bitext.target_sentences) for text in side)

        def invite() -> None:
            ways = len(readouts_of(study))
            st.caption(f"{ways} ways to read the neurons, all from one pass per language.", text_alignment="center")
            invitation(request, work, study, sentences, at_once=ways * study.pairs)

        run_or_stop(request, work, invite, 420)
    ablation, badge = found
    study_line(ablation.study, badge)
    return cast(Ablation, ablation)


@st.fragment
def _view(ablation: Ablation) -> None:
    state = cast(
        State,
        st.segmented_control(
            "State",
            STATES,
            format_func=SCORE_NAMES.get,
            default="nas",
            required=True,
            key="set_state",
            bind="query-params",
        ),
    )
    look.picture(figures.exportable_ablation(ablation.study, ablation.table, state), "set_ablation")
    st.markdown(figures.ablation_finding(ablation.table, state))
    with st.expander("The numbers", icon=":material/table:"):
        for key, table in (("ablation", ablation.table), ("pairs", ablation.pairs)):
            st.dataframe(table, hide_index=True)
            look.table_downloads(table, f"{ablation.study.stem}.{key}", f"set_{key}")
    st.subheader("How many pairs are enough?")
    look.picture(figures.exportable_pairs(ablation.study, ablation.pairs, "score"), "set_pairs")


def _pairs_needed(study: Study) -> None:
    """The rank correlation over languages: its own run, since it needs the states of all of them."""
    codes = picker.choose_languages(study, "set_codes", (study.source,), without=study.target)
    if len(codes) < 3:
        st.info("Choose at least three languages to compare their order.", icon=":material/translate:")
        return
    request: Hashable = (study, "pairs needed", codes)
    found = find(request, lambda: precomputed_pairs_needed(study, codes), lambda: None)
    if found is None:

        def work(watcher: Watcher) -> pd.DataFrame:
            return run_pairs_needed(study, codes, watcher=watcher)

        def sentences() -> Iterator[str]:
            return sentences_against_target(study, codes)

        run_here(
            request,
            work,
            lambda: invitation(request, work, study, sentences, at_once=2 * study.pairs),
            figures.PAIRS_HEIGHT,
        )
        return
    needed = found[0]
    look.picture(figures.exportable_pairs(study, needed, "rank_correlation"), "set_ranks")
    st.markdown(figures.pairs_finding(needed, len(codes)))
    look.table_downloads(needed, f"{study.stem}.pairs_needed", "set_needed")


st.title("Settings")
st.html("<p class='nx-question'>How much do the choices of the method matter, and how many pairs are enough?</p>")

ablation_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown((look.TEXTS / "settings.md").read_text(encoding="utf-8"))
