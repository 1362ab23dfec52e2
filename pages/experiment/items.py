"""Items: single sentences and questions, where the Downstream page has languages."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neuronxa_core.analyses.choice_files import ChoiceItem, read_choices
from neuronxa_core.analyses.choices import Choices
from neuronxa_core.analyses.items import Items
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.figures import items as figures
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.figures.tables import Column
from neuronxa_core.numbers import count
from neuronxa_core.study.study import Study
from pages.shared import bound, glossary, languages, look
from pages.shared.part import with_answers
from pages.shared.run import Place, answer_or_stop, settle_or_stop, study_or_stop

_KINDS = {"sentences": "Sentences", "choices": "Questions with choices"}
_SIDES = {"target": "Target's sentence", "source": "Own sentence"}
_TEMPLATE = (
    "language,item,question,choice1,choice2,choice3,choice4,correct\n"
    "eng_Latn,1,Who barks?,the dog,the bread,,,1\n"
    "deu_Latn,1,Wer bellt?,der Hund,das Brot,,,1\n"
)
_PAIRS: dict[str, Column] = {
    "target": Column("Target's bits per byte", "%.2f"),
    "source": Column("Own bits per byte", "%.2f"),
    **{str(state): Column(f"{name} margin", "%.3f") for state, name in STATE_NAMES.items()},
    "side": Column("Predicted"),
}
_AGREEMENT = {
    "signal": Column("Signal"),
    "right": Column("Right in"),
    "both": Column("Both", "%d"),
    "signal_only": Column("Signal only", "%d"),
    "right_only": Column("Right only", "%d"),
    "neither": Column("Neither", "%d"),
    "phi": Column("Phi", "%.2f"),
    "phi_low": Column("From", "%.2f"),
    "phi_high": Column("To", "%.2f"),
    "items": Column("Questions", "%d"),
}


def items_page() -> None:
    study = study_or_stop()
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    kind = bound.one_of("Items", _KINDS, "items_kind", controls, label_visibility="collapsed")
    if kind == "sentences":
        _sentences(study.against_pivot, controls)
    else:
        _choices(study)


def _sentences(study: Study, controls: DeltaGenerator) -> None:
    """Draws the margin of single pairs against how well their sentences are predicted."""
    with controls:
        answered = with_answers(lambda codes: Items(study, codes))
        codes = languages.choose_languages(
            study, "items_codes", (study.source,), without=study.target, answered=answered
        )
    if not codes:
        st.info("Choose at least one language.", icon=":material/translate:")
        return
    against = language(study.target).name
    answer = answer_or_stop(
        settle_or_stop(Items(study, codes)),
        Place(320, lambda asked: f"{count(len(asked.languages), 'language')} against {against}"),
    )
    picture = st.container()
    side = bound.one_of("Bits per byte of", _SIDES, "items_side")  # below, so that a projector shows the picture
    finding = figures.items_finding(answer, side)
    with picture:
        look.picture(figures.exportable_items(answer, side), f"items_{side}", look.plain(finding))
    with st.expander("The numbers", icon=":material/table:"):
        for key, table in answer.tables.items():
            look.table(table.replace({"side": _SIDES}) if key == "correlations" else table, _PAIRS)
            look.table_downloads(table, f"{answer.study.stem}.items.{key}", f"items_{key}")


def _choices(study: Study) -> None:
    """Draws, for uploaded questions, whether the aligned choice is the right one."""
    items = _uploaded()
    if not items:
        st.info(
            "Bring questions with two to four choices in both languages of the study: a table of your own, or files of "
            "Belebele (one per language, as JSON lines or CSV).",
            icon=":material/upload_file:",
        )
        return
    try:
        request = settle_or_stop(Choices(study, items))
        both = len(request.both)
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        return
    names = f"{language(study.source).name} and {language(study.target).name}"
    answer = answer_or_stop(request, Place(280, lambda asked: f"{count(both, 'question')} in {names}"))
    look.picture(figures.exportable_phi(answer), "items_phi", look.plain(figures.choices_finding(answer)))
    words = {"signal": figures.SIGNALS, "right": {"target": "target", "both": "both languages"}}
    look.table(answer.agreement.replace(words), _AGREEMENT)
    with st.expander("The numbers", icon=":material/table:"):
        for key, table in answer.tables.items():
            look.table_downloads(table, f"{answer.study.stem}.choices.{key}", f"choices_{key}", key.capitalize())


def _uploaded() -> tuple[ChoiceItem, ...]:
    """The questions in the uploaded files; none before, or if they cannot be read, which is said."""
    files = st.file_uploader(
        "Questions with choices", accept_multiple_files=True, max_upload_size=20, key="items_files"
    )
    st.download_button(
        "Download a template",
        _TEMPLATE,
        file_name="questions.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="items_template",
    )
    try:
        return read_choices({file.name: file.getvalue() for file in files})
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        return ()


st.title("Items")
st.html("<p class='nx-question'>Does alignment say anything about a single sentence?</p>")

items_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("items"))
