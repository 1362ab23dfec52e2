"""Steering: add the direction from one language to another, and see which language comes out and what it costs."""

from collections.abc import Callable

import streamlit as st

from neuronxa_core.analyses.steering import CONTROLS, MOST_PROMPTS, PROMPTS, STRENGTHS, Steering
from neuronxa_core.analyses.steering_answer import SIDES, UNSTEERED, Condition, SteeringAnswer
from neuronxa_core.analyses.steering_plan import TOKENS
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.figures import steering as figures
from neuronxa_core.figures.tables import Column
from neuronxa_core.numbers import CONFIDENCE, count
from neuronxa_core.study.citations import bibliography
from neuronxa_core.study.study import Study
from pages.shared import glossary, link, look
from pages.shared.run import Place, answer_or_stop, settle_or_stop, study_or_stop
from pages.shared.sentences import sentence_table

_STRENGTHS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
_SHARE = "Share of the continuations, by the identifier"
_COLUMNS = {
    "strength": Column("Strength", "%g"),
    "direction": Column("Direction"),
    "control": Column("Random direction", "%d", "0 is no random direction"),
    "continuations": Column("Continuations", "%d"),
    "target": Column("In the target", "%.2f", _SHARE),
    "source": Column("In the source", "%.2f", _SHARE),
    "other": Column("In another language", "%.2f", _SHARE),
    "cannot_tell": Column("Cannot tell", "%.2f", _SHARE),
    "target_script": Column("In the target's script", "%.2f", "Share of the letters; missing if both share a script"),
    "repetition": Column("Repetition", "%.2f", "Share of the pieces of four characters that stood in the text before"),
    "target_change": Column("Change in the target", "%+.3f", "Relative change of bits per byte, a fraction"),
    "source_change": Column("Change in the source", "%+.3f", "Relative change of bits per byte, a fraction"),
    **{
        f"{side}_{end}": Column(f"Change in the {side}, {CONFIDENCE} {told}", "%+.3f", "Over sentences")
        for side in SIDES
        for end, told in (("low", "from"), ("high", "to"))
    },
    "prompt": Column("Prompt"),
    "continuation": Column("Continuation"),
    "language": Column("Language"),
    "margin": Column("Margin, nats", "%.1f", "By how much the language leads the next one"),
    "measure": Column("Measure"),
    "steered": Column("Steered", "%+.3f"),
    "difference": Column("Difference", "%+.3f", "Steered minus the mean under the random directions"),
    "stands_out": Column("Stands out"),
    "lines": Column("Lines", "%d"),
    "right": Column("Right", "%.2f", "Share of whole lines"),
    "right_short": Column("Right, short", "%.2f", "Share of pieces of lines"),
    "cannot_tell_short": Column("Cannot tell, short", "%.2f", "Share of pieces of lines"),
}
_MEASURES = {
    "target": "Share in the target",
    "target_change": "Change in the target",
    "source_change": "Change in the source",
}
_CONTROL = {"control": Column("Random", "%+.3f", "Mean under the random directions")}


def steering_page() -> None:
    study = study_or_stop()
    with st.popover("How it is steered", icon=":material/tune:"):
        made = _how_it_is_steered()
    try:
        request = settle_or_stop(made(study))
    except StudyError as error:
        st.info(look.plain(str(error)), icon=":material/tune:")
        link.stop()
    answer = answer_or_stop(request, _place(request))
    look.picture(figures.exportable_language(answer), "ste_language", figures.steering_finding(answer))
    st.caption(look.plain(figures.identifier_sentence(answer)))
    look.picture(figures.exportable_cost(answer), "ste_cost", shows=figures.steering_finding(answer))
    _side_by_side(answer)
    with st.expander("The numbers", icon=":material/table:"):
        for key, table in answer.tables.items():
            beyond = key == "beyond_controls"
            shown = table.assign(measure=table["measure"].map(_MEASURES)) if beyond else table
            look.table(shown, _COLUMNS | (_CONTROL if beyond else {}))
            look.table_downloads(table, f"{answer.study.stem}.steering.{key}", f"ste_{key}_table")
    with st.expander("How to read this", icon=":material/help:"):
        st.markdown(glossary.explained("steering"))
    with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
        look.provenance(answer)


def _how_it_is_steered() -> Callable[[Study], Steering]:
    """The choices of the viewer; with a study they are a request, which may be refused."""
    layer = int(st.number_input("After layer (0: the middle one)", 0, None, 0, key="ste_layer", bind="query-params"))
    strengths = st.multiselect(
        "Strengths",
        _STRENGTHS,
        default=list(STRENGTHS),
        format_func=lambda each: f"{each:g}",
        key="ste_strengths",
        bind="query-params",
        help="The direction is the whole difference between the two means; this is what it is multiplied by.",
    )
    controls = int(
        st.number_input("Random directions as controls", 0, 20, CONTROLS, key="ste_controls", bind="query-params")
    )
    prompts = int(st.number_input("Prompts", 1, MOST_PROMPTS, PROMPTS, key="ste_prompts", bind="query-params"))
    return lambda study: Steering(study, layer, tuple(strengths), controls, prompts)


def _place(request: Steering) -> Place:
    return Place(
        figures.STEERING_HEIGHT,
        files=_files,
        stem=f"{request.study.stem}.steering",
        note=lambda: _cost(request),
        about=(f"`{request.study.names['corpus']}`", f"{request.study.pairs} pairs"),
    )


def _files(answer: SteeringAnswer) -> look.Files:
    """The command line's files."""
    return {
        **look.table_files("Conditions", ".steering", lambda: answer.table),
        **look.table_files("Continuations", ".continuations", lambda: answer.continuations),
        "Summary and provenance, JSON": (".summary.json", lambda: look.json_text(answer.summary)),
        "Papers to cite, BibTeX": (".bib", lambda: bibliography(answer.study)),
    }


def _cost(request: Steering) -> str:
    """How much is read and written, and why, in a sentence."""
    return (
        f"{count(len(request.conditions), 'condition')}: unsteered, and {count(len(request.strengths), 'strength')} × "
        f"(DiffMean and {count(request.controls, 'random direction')}). In each, the second half of both languages is "
        f"read with probabilities and {count(request.prompts, 'prompt')} at most are continued by {TOKENS} tokens. "
        "A run that you stop keeps what it has measured."
    )


def _side_by_side(answer: SteeringAnswer) -> None:
    """The same beginnings, continued unsteered, steered and under a random direction."""
    st.header("Side by side")
    options = [f"{each:g}" for each in answer.strengths]
    usual = f"{figures.most_moving(answer):g}"
    chosen = st.segmented_control("Strength", options, default=usual, required=True, key=f"ste_shown_{len(options)}")
    strength = float(chosen or usual)
    conditions = {"Unsteered": UNSTEERED, "Steered": Condition(strength, 0), "Random": Condition(strength, 1)}
    columns = {"Prompt": list(answer.prompts)} | {
        title: [_told(*each[:2]) for each in answer.conditions[condition].said]
        for title, condition in conditions.items()
        if condition in answer.conditions
    }
    sentence_table(columns, {"Prompt": language(answer.study.source)})


def _told(text: str, code: str) -> str:
    """A continuation on one line, with the language that the identifier names."""
    return f"{' '.join(text.split())} [{language(code).name if code else 'cannot tell'}]"


st.title("Steering")
st.html("<p class='nx-question'>Does adding a direction change which language comes out?</p>")

steering_page()
