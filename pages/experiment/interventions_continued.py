"""A sentence of the viewer's, continued with one set of neurons changed and without, side by side."""

import streamlit as st

from neuronxa_core.analyses.continuation import Continuation, ContinuedText, beginning
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.lens_grid import LONGEST
from neuronxa_core.figures.continuation import condition_titles, continuation_finding
from neuronxa_core.figures.tables import Column
from neuronxa_core.numbers import count
from pages.shared import look
from pages.shared.run import Place, answer_here

_TOKENS = {20: "20", 40: "40", 80: "80"}

_COLUMNS = {name: Column(name.capitalize()) for name in ("condition", "text", "continuation")}


def continued_text(request: Interventions, neurons_of: str) -> None:
    """Draws the section. neurons_of: the set that is changed."""
    st.header("A sentence, continued")
    first = beginning(request.study, neurons_of)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    text = left.text_input(
        "Text",
        first,
        max_chars=LONGEST,
        key=f"int_text_{hash(first)}",
        help="The beginning of a sentence in any language. The neurons are those chosen above.",
    )
    tokens = right.selectbox("Tokens", list(_TOKENS), index=1, key="int_tokens", format_func=look.named(_TOKENS))
    if not text.strip():
        st.info("Write the beginning of a sentence.", icon=":material/edit:")
        return
    asked = Continuation(request.study, request, neurons_of, text.strip(), int(tokens))

    def note() -> str:
        return f"Then {count(asked.tokens, 'token')} one at a time, {len(asked.conditions)} times, head included."

    answer = answer_here(asked, Place(height=340, key="_continued", note=note))
    if answer is not None:
        _side_by_side(answer)


def _side_by_side(answer: ContinuedText) -> None:
    st.markdown(look.plain(continuation_finding(answer)))
    titles = condition_titles(answer)
    for column, (condition, title) in zip(st.columns(len(titles)), titles.items(), strict=True):
        with column:
            st.caption(title)
            st.code(f"{answer.text} …{answer.continuations[condition]}", language=None, wrap_lines=True)
    with st.expander("The texts as a table, and where they come from", icon=":material/table:"):
        look.table(answer.table, _COLUMNS)
        look.table_downloads(answer.table, f"{answer.study.stem}.interventions.continuation", "int_continued_table")
        look.provenance(answer)
