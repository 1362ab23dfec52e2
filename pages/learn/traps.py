"""Traps: six ways to get a score that means something else than it seems, each guessed before it is shown."""

from pathlib import Path

import streamlit as st

from neuronxa_core.analyses.traps import TRAPS, Trap, TrapResults
from neuronxa_core.figures import traps as figures
from neuronxa_core.gallery.traps import traps_request
from neuronxa_core.interface import tr
from pages.learn.told import Told, question, steps
from pages.shared import glossary, look, picker, stage
from pages.shared.run import Place, answer_or_stop


def trap_or_guess(answer: TrapResults, trap: Trap, told: Told) -> None:
    """One trap: what is done, the guess, and after it the picture with all scores and what is behind them."""
    state = st.session_state
    shown = bool(state.get(f"trap_shown_{trap}"))
    st.header(told.title)
    left, right = st.columns([1, 1.5], gap="medium")
    with right:
        finding = figures.trap_finding(answer, trap) if shown else ""
        look.picture(figures.exportable_trap(answer, trap, shown), f"trap_{trap}", finding)
    with left:
        st.markdown(glossary.linked(told.text, f"traps_{trap}"))
        names = {"rises": tr("It rises"), "stays": tr("It stays"), "falls": tr("It falls")}
        guessed = st.pills(
            told.question, list(names), key=f"trap_guess_{trap}", format_func=look.named(names), disabled=shown
        )
        if shown:
            became = figures.change(*figures.compared(answer, trap))
            right_word = "" if not guessed else tr("Right.") if guessed == became else tr("Not quite.")
            st.markdown(f"{right_word} {glossary.linked(told.answer, f'traps_{trap}_answer')}".strip())
        st.button(
            tr("Hide and guess again") if shown else tr("Show what happens"),
            key=f"trap_show_{trap}",
            icon=":material/visibility_off:" if shown else ":material/visibility:",
            on_click=lambda: state.update({f"trap_shown_{trap}": not shown}),
        )


@st.fragment
def six_traps(answer: TrapResults) -> None:
    """All traps; a button redraws only these."""
    for trap, told in zip(TRAPS, steps("traps"), strict=True):
        trap_or_guess(answer, trap, told)


st.title(tr("Traps"))
question(tr("How does a score mislead, and how do you notice?"))
stage.keeps_its_languages()
request = traps_request()
names = tr("German, Yoruba and Swahili → English")
answer = answer_or_stop(request, Place(400, names=lambda _: names, dtypes=request.study.dtype))
six_traps(answer)
open_label = tr("Open the shuffled pairs in Similarity")
if st.button(open_label, icon=":material/arrow_forward:", type="tertiary", key="trap_open"):
    path = Path(__file__).parents[1] / "explore" / "similarity.py"
    picker.open_study(path, request.studies()["shuffled"])
