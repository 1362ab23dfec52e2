"""Interventions: switch neurons off, or set them to a mean, and see which languages suffer."""

from collections.abc import Callable

import streamlit as st

from neuronxa_core.analyses.effects import Effects
from neuronxa_core.analyses.interventions import CONTROL_CELLS, FEWEST_CONTROLS, MEAN, ZERO, Interventions
from neuronxa_core.analyses.neuron_sets import SetName, listed_from
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.figures import interventions as figures
from neuronxa_core.figures.tables import Column
from neuronxa_core.gallery.interventions import INTERVENED
from neuronxa_core.numbers import count
from neuronxa_core.study.study import Study
from pages.shared import glossary, languages, look
from pages.shared.run import Place, answer_or_stop, settle_or_stop, study_or_stop

SET_NAMES: dict[SetName, str] = {
    "lape": "Each language's own (LAPE)",
    "shared": "Active in all languages",
    "random": "Random",
    "listed": "A list of mine",
}
_CHANGE = {"change": Column("Change", "%+.3f", "Relative change of bits per byte, a fraction")}


def interventions_page() -> None:
    study = study_or_stop()
    left, right = st.columns(2)
    with left:
        codes = languages.choose_languages(study, "int_codes", INTERVENED, answered=lambda codes: ())
    with right, st.popover("What is changed", icon=":material/tune:"):
        made = _asked()
    try:
        request = settle_or_stop(made(study, codes))
    except StudyError as error:
        st.info(look.plain(str(error)), icon=":material/tune:")
        st.stop()
    place = Place(
        figures.EFFECTS_HEIGHT, lambda asked: count(len(asked.languages), "language"), note=lambda: _cost(request)
    )
    effects = answer_or_stop(request, place)
    if effects.finished < len(request.cells):
        st.caption(f"Measured so far: {effects.finished:,} of {len(request.cells):,} cells.")
    _view(effects)


def _asked() -> Callable[[Study, tuple[str, ...]], Interventions]:
    """The viewer's choices. Together with a study and languages they form a request, which may be refused."""
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
    targets = {ZERO: "0", MEAN: "the mean over all languages"}
    to = st.selectbox("Set to", list(targets), key="int_to", bind="query-params", format_func=look.named(targets))
    controls = int(
        st.number_input("Random sets as controls", 0, 20, FEWEST_CONTROLS, key="int_controls", bind="query-params")
    )
    cells = {"own": "in the neurons' own language", "all": "in every cell"}
    where = st.radio(
        "Controls are measured", CONTROL_CELLS, key="int_cells", bind="query-params", format_func=look.named(cells)
    )
    return lambda study, codes: Interventions(
        study, codes, kind, round(share / 100, 4), layers, str(to), controls, where, 0, listed
    )


def _listed() -> tuple[tuple[str, int, int], ...]:
    """The neurons of an uploaded table, or none before the upload. Stops with one sentence if it cannot be read."""
    file = st.file_uploader("CSV or TSV: layer, neuron, and language for several sets", type=["csv", "tsv"])
    if file is None:
        return ()
    try:
        return listed_from(file.getvalue().decode("utf-8-sig"), "listed")
    except (StudyError, UnicodeDecodeError) as error:
        said = str(error) if isinstance(error, StudyError) else "The file is not UTF-8 text. Save it as UTF-8."
        st.error(look.plain(said), icon=":material/info:")
        return ()


def _cost(request: Interventions) -> str:
    """How many forward passes the request needs, and why, in a sentence."""
    sets, measured = len(request.names), len(request.languages)
    return (
        f"{len(request.cells):,} passes over {count(request.study.pairs // 2, 'sentence')} each: "
        f"{count(sets, 'set')} × {count(measured, 'language')}, the unchanged model, and the controls. "
        "Probabilities are computed too, which takes about twice as long again as the layers alone. "
        "A run that you stop keeps what it has measured."
    )


def _view(effects: Effects) -> None:
    look.picture(figures.exportable_effects(effects), "int_effects", figures.effects_finding(effects))
    if effects.diagonal():
        look.picture(figures.exportable_own(effects), "int_own", shows=figures.effects_finding(effects))
    with st.expander("The numbers", icon=":material/table:"):
        for key, table in effects.tables.items():
            look.table(table, _CHANGE if key == "effects" else None)
            look.table_downloads(table, f"{effects.study.stem}.interventions.{key}", f"int_{key}_table")
        unchanged = {language(code).name: bits for code, bits in effects.bits_per_byte.items()}
        st.caption(
            "Bits per byte of the unchanged model: "
            + ", ".join(f"{name} {bits:.2f}" for name, bits in unchanged.items())
        )


st.title("Interventions")
st.html("<p class='nx-question'>What breaks when a language's neurons are switched off?</p>")

interventions_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("interventions"))
