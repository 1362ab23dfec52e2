"""Interventions: switch neurons off, or set them to a mean, and see which languages suffer."""

import json

import streamlit as st

from neuronxa_core.analyses.effects import Effects
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.with_without import WithWithout
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.figures import interventions as figures
from neuronxa_core.figures import with_without as curves
from neuronxa_core.figures.export import pair_name
from neuronxa_core.figures.palette import SCORE_NAMES
from neuronxa_core.figures.tables import Column
from neuronxa_core.gallery.interventions import INTERVENED
from neuronxa_core.numbers import CONFIDENCE, count
from neuronxa_core.study.citations import bibliography
from pages.experiment.interventions_continued import continued_text
from pages.experiment.interventions_controls import SET_NAMES, what_is_changed
from pages.shared import glossary, languages, link, look
from pages.shared.run import Place, answer_here, answer_with_line, settle_or_stop, study_or_stop

_CHANGE = {"change": Column("Change", "%+.3f", "Relative change of bits per byte, a fraction")}
_SCORES = {
    **{name: Column(name.capitalize(), "%.2f") for name in ("unchanged", "changed")},
    **{
        f"{name}_{end}": Column(f"{name.capitalize()}, {told}", "%.2f", f"{CONFIDENCE} interval, pairs resampled")
        for name in ("unchanged", "changed")
        for end, told in (("low", "from"), ("high", "to"))
    },
    "change": Column("Difference", "%+.2f", "Changed minus unchanged"),
    "control": Column("Random", "%.2f", "Mean score under random neurons of the same number in the same layers"),
}


def interventions_page() -> None:
    study = study_or_stop()
    left, right = st.columns(2)
    with left:
        codes = languages.choose_languages(study, "int_codes", INTERVENED, answered=lambda codes: ())
    with right, st.popover("What is changed", icon=":material/tune:"):
        made = what_is_changed(codes)
    try:
        request = settle_or_stop(made(study))
    except StudyError as error:
        st.info(look.plain(str(error)), icon=":material/tune:")
        link.stop()
    effects = answer_with_line(request, _place(request))
    if effects is not None:
        if effects.finished < len(request.cells):
            st.caption(f"Measured so far: {effects.finished:,} of {len(request.cells):,} cells.")
        _view(effects)
    chosen = _pair(request)
    continued_text(request, chosen)
    with st.expander("How to read this", icon=":material/help:"):
        st.markdown(glossary.explained("interventions"))
    if effects is not None:
        with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
            look.provenance(effects)


def _place(request: Interventions) -> Place:
    return Place(
        figures.EFFECTS_HEIGHT,
        lambda asked: count(len(asked.languages), "language"),
        files=_files,
        stem=f"{request.study.stem}.interventions",
        note=lambda: _cost(request),
    )


def _files(effects: Effects) -> look.Files:
    """The command line's files."""
    return {
        **look.table_files("Effects", ".effects", lambda: effects.effects),
        **look.table_files("Neurons", ".neurons", lambda: effects.neurons),
        "Summary and provenance, JSON": (".summary.json", lambda: json.dumps(effects.summary, indent=2)),
        "Papers to cite, BibTeX": (".bib", lambda: bibliography(effects.study)),
    }


def _cost(request: Interventions) -> str:
    """How many forward passes the request needs, and why, in a sentence."""
    sets, measured = len(request.names), len(request.languages)
    return (
        f"{len(request.cells):,} passes over {count(request.study.pairs // 2, 'sentence')} each: "
        f"{count(sets, 'set')} × {count(measured, 'language')}, the unchanged model, and the controls. "
        "The time includes the language-model head, which gives every token its probability. "
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


def _pair(request: Interventions) -> str:
    """Draws the alignment of the study's pair with one of the sets changed, and without. Returns whose set it is."""
    st.header("Alignment of a pair, with and without")
    left, right = st.columns(2, vertical_alignment="bottom")
    whose = _whose(request, left)
    state = look.state_control(SCORE_NAMES, "int_state", right)
    try:
        asked = WithWithout(request.study, request, whose)
    except StudyError as error:
        st.info(look.plain(str(error)), icon=":material/tune:")
        return whose
    place = Place(
        curves.CURVES_HEIGHT, key="_curves", note=lambda: f"{pair_name(asked.study)}, both languages, for each set."
    )
    answer = answer_here(asked, place)
    if answer is None:
        return whose
    look.picture(
        curves.exportable_with_without(answer, state), "int_curves", curves.with_without_finding(answer, state)
    )
    with st.expander("The numbers of the curves", icon=":material/table:"):
        look.table(answer.table, _SCORES)
        look.table_downloads(answer.table, f"{answer.study.stem}.interventions.with_without", "int_with_without_table")
    return whose


def _whose(request: Interventions, box: st.delta_generator.DeltaGenerator) -> str:
    """The set that is changed: by default the source's own neurons, else the target's, else the first."""
    names, pair = request.names, (request.study.source, request.study.target)
    if st.session_state.get("int_of", names[0]) not in names:
        del st.session_state["int_of"]
    usual = next((code for code in pair if code in names), names[0])
    titles = {str(name): title for name, title in SET_NAMES.items()}
    called = {name: language(name).name if language(name).known else titles.get(name, name) for name in names}
    chosen = box.selectbox(
        "Neurons of",
        names,
        index=names.index(usual),
        key="int_of",
        bind="query-params",
        format_func=look.named(called),
        help=f"Measured in {pair_name(request.study)}, the pair in the sidebar, on the second half of the pairs.",
    )
    return str(chosen)


st.title("Interventions")
st.html("<p class='nx-question'>What breaks when a language's neurons are switched off?</p>")

interventions_page()
