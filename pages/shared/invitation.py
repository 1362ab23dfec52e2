"""The invitation to compute an answer, or what is missing of it: what that will cost, and the button that starts it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery import parts
from neuronxa_core.gallery.unread import Remaining
from neuronxa_core.models.cost import Cost, ask_again, refuse_what_does_not_fit, study_cost
from neuronxa_core.study.analysis import Analysis
from pages.shared import look
from pages.shared.cost import duration, memory_line, work_line

Submit = Callable[[Analysis[Any]], None]
_NAMED = 3
"""Number of languages that a line names; more are counted."""


def invite(request: Analysis[Any], submit: Submit, note: Callable[[], str], key: str) -> None:
    """What running the sentences through the study's model will cost, and the button that starts the work."""
    told = _told(request, key)
    if told is None:
        return
    rest, cost = told
    if said := note():
        st.caption(said, text_alignment="center")
    if rest.variants:
        st.caption(still_to_compute(rest, cost), text_alignment="center")
    st.markdown("**Not computed yet**", text_alignment="center")
    st.markdown(work_line(cost, len(rest.sentences)), text_alignment="center")
    st.caption(memory_line(cost), text_alignment="center")
    _button(request, cost, submit, key)


def invite_rest(request: Analysis[Any], submit: Submit, key: str) -> None:
    """One line above a picture that shows a part: what is still to compute, what that costs, and the button."""
    told = _told(request, key)
    if told is None:
        return
    rest, cost = told
    line, button = st.columns([4, 1], vertical_alignment="center")
    line.markdown(f"**{still_to_compute(rest, cost)}**")
    line.caption(work_line(replace(cost, seconds=None), len(rest.sentences)))  # the time stands above
    with button:
        _button(request, cost, submit, key)


def still_to_compute(rest: Remaining, cost: Cost) -> str:
    """What is missing and how long it takes: "Still to compute: attention, 30 languages, about 5 minutes"."""
    names = [look.plain(name) for name in rest.variants]
    if 0 < len(rest.languages) <= _NAMED:
        names += [look.plain(language(code).name) for code in rest.languages]
    elif rest.languages:
        names.append(f"{len(rest.languages)} languages")
    if cost.seconds is not None:
        names.append(f"about {duration(cost.seconds)}")
    return f"Still to compute: {', '.join(names)}"


def _told(request: Analysis[Any], key: str) -> tuple[Remaining, Cost] | None:
    """What is missing and its cost; None where the cost is unknown, in which case the page says why."""
    try:
        rest = parts.remaining(request)
        length = sum(map(len, rest.sentences))
        layers, head = getattr(request, "characters", (length, length * getattr(request, "bits", False)))
        cost = study_cost(
            rest.study.ref,
            round(layers),
            len(rest.sentences),
            rest.study.dtype,
            at_once=rest.at_once,
            head=head / layers if layers else 0,
            written=getattr(request, "written", 0),
            lens=getattr(request, "lens", 0),
        )
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", on_click=ask_again, key=f"ask_again{key}")
        return None
    return rest, cost


def _button(request: Analysis[Any], cost: Cost, submit: Submit, key: str) -> None:
    try:
        refuse_what_does_not_fit(cost)
    except NeuronXAError as problem:
        st.warning(look.plain(str(problem)), icon=":material/memory:")
    st.button(
        "Run",
        type="primary",
        icon=":material/play_arrow:",
        on_click=submit,
        args=(request,),
        key=f"run{key}",
        disabled=not cost.fits,
    )
