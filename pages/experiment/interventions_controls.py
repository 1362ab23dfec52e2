"""The controls of the Interventions page: which neurons are changed, how, and beside how many controls."""

from collections.abc import Callable

import streamlit as st

from neuronxa_core.analyses.interventions import CONTROL_CELLS, FEWEST_CONTROLS, MEAN, ZERO, Interventions
from neuronxa_core.analyses.neuron_sets import SetName, listed_from, listed_in_words
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.study.study import Study
from pages.shared import look

SET_NAMES: dict[SetName, str] = {
    "lape": "Each language's own (LAPE)",
    "shared": "Active in all languages",
    "random": "Random",
    "listed": "A list of mine",
}


def what_is_changed(codes: tuple[str, ...]) -> Callable[[Study], Interventions]:
    """The choices of the viewer; with a study they are a request about these languages, which may be refused."""
    chosen = st.segmented_control(
        "Neurons",
        list(SET_NAMES),
        default="lape",
        key="int_set",
        bind="query-params",
        format_func=look.named(SET_NAMES),
    )
    kind: SetName = chosen or "lape"
    listed = _listed() if kind == "listed" else ()
    share = st.slider("Share of all neurons, %", 0.5, 10.0, 2.0, 0.5, key="int_share", bind="query-params")
    first, last = st.columns(2)
    layers = (
        int(first.number_input("First layer (0: all)", 0, None, 0, key="int_first", bind="query-params")),
        int(last.number_input("Last layer (0: all)", 0, None, 0, key="int_last", bind="query-params")),
    )
    to = _set_to(codes)
    controls = int(
        st.number_input("Random sets as controls", 0, 20, FEWEST_CONTROLS, key="int_controls", bind="query-params")
    )
    cells = {"own": "in the neurons' own language", "all": "in every cell"}
    where = st.radio(
        "Controls are measured", CONTROL_CELLS, key="int_cells", bind="query-params", format_func=look.named(cells)
    )
    return lambda study: Interventions(
        study, codes, kind, round(share / 100, 4), layers, to, controls, where, 0, listed
    )


def _set_to(codes: tuple[str, ...]) -> str:
    """What the neurons are set to: zero, the mean over all languages, or that in one of them."""
    targets = {ZERO: "0", MEAN: "the mean over all languages"}
    targets |= {code: f"the mean in {language(code).name}" for code in codes}
    if st.session_state.get("int_to", ZERO) not in targets:
        del st.session_state["int_to"]
    chosen = st.selectbox("Set to", list(targets), key="int_to", bind="query-params", format_func=look.named(targets))
    return str(chosen)


def _listed() -> tuple[tuple[str, int, int], ...]:
    """The neurons that are typed, or those of an uploaded table; empty until there are some."""
    typed = st.text_input(
        "Neurons, as layer.neuron",
        key="int_list",
        bind="query-params",
        placeholder="9.1204, 9.77, 12.5",
        help="Layers count from 1, neurons from 0. A list that stands here is part of the link.",
    )
    file = st.file_uploader("Or a CSV or TSV: layer, neuron, and language for several sets", type=["csv", "tsv"])
    try:
        if typed.strip():
            return listed_in_words(typed)
        return listed_from(file.getvalue().decode("utf-8-sig"), "listed") if file else ()
    except (StudyError, UnicodeDecodeError) as error:
        said = str(error) if isinstance(error, StudyError) else "The file is not UTF-8 text. Save it as UTF-8."
        st.error(look.plain(said), icon=":material/info:")
        return ()
