"""Overview: an introduction, precomputed results, and four questions that lead to other pages."""

from pathlib import Path

import pandas as pd
import streamlit as st

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import pair_name
from neuronxa_core.gallery.read import gallery_results, precomputed
from neuronxa_core.states.sentences import STATES
from neuronxa_core.stills.overview import CARDS, all_layers, curves, ranking, two_models
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult, fertility
from neuronxa_core.study.study import Study
from pages.shared import glossary, look, picker, stage, still
from pages.shared.run import study_line
from pages.shared.study_link import DEFAULT

_EXPLORE = Path(__file__).parent


def result_to_show() -> StudyResult | None:
    """The study in the sidebar if it is precomputed, else the default one, which is."""
    chosen = st.session_state.study
    return (precomputed(chosen) if chosen else None) or precomputed(DEFAULT)


def say_what_stands_instead(result: StudyResult) -> None:
    """Says so if the study in the sidebar is not precomputed and another is shown instead."""
    chosen = st.session_state.study
    if chosen and not result.study.answers(chosen):
        st.info(
            f"The study in the sidebar is not precomputed, so this page shows {pair_name(result.study)} instead. The "
            "other pages show your study.",
            icon=":material/info:",
        )


def link(page: str, label: str, study: Study) -> None:
    """Draws a link to a page of the Explore section, with the study that is shown here."""
    path, icon = _EXPLORE / f"{page}.py", ":material/arrow_forward:"
    if st.session_state.study and study.answers(st.session_state.study):
        st.page_link(path, label=label, icon=icon)
    elif st.button(label, icon=icon, type="tertiary", key=f"open_{page}"):
        picker.open_study(path, study)


def four_questions(result: StudyResult) -> None:
    """Draws a card per page, with a picture of this study if it is precomputed, else of the default study."""
    for row in (_QUESTIONS[:2], _QUESTIONS[2:]):
        for column, (page, question, label) in zip(st.columns(2), row, strict=True):
            with column.container(border=True, height="stretch"):
                st.markdown(f"### {question}")
                shown = CARDS[page](result) or CARDS[page](precomputed(DEFAULT) or result)
                if shown:
                    still.small(shown, f"overview_{page}")
                    st.caption(shown.finding)
                    link(page, label, shown.study)


_QUESTIONS: tuple[tuple[str, str, str], ...] = (
    ("similarity", "Which sentences does the model confuse?", "Open Similarity"),
    ("projection", "Do sentences group by meaning or by language?", "Open Projection"),
    ("asymmetry", "Are translations equally easy to find in both directions?", "Open Asymmetry"),
    ("languages", "Which languages are close, and which are left out?", "Open Languages"),
)


def languages_table(results: list[StudyResult]) -> pd.DataFrame:
    """One row per result: language, name, and per state the mean over layers with its interval, peak and its layer."""
    rows = []
    for result in results:
        row: dict[str, object] = {"language": result.study.source, "name": language(result.study.source).name}
        row |= {"fertility": fertility(result.provenance, result.study.source)}
        for state in STATES:
            low, high = result.mean_interval(state)
            layer, peak = result.peak(state)
            name = SUMMARY_NAMES[state]
            row |= {name: result.mean(state), f"{name}_low": low, f"{name}_high": high}
            row |= {f"{state}_peak": peak, f"{state}_peak_layer": layer}
        rows.append(row)
    return pd.DataFrame(rows).sort_values("nasca", ascending=False, ignore_index=True)


def the_comparison(results: list[StudyResult]) -> None:
    """Draws what the page opens with: a multilingual model beside an English-centric one."""
    if both := two_models(results):
        st.header("Two small models, language by language")
        still.picture(both, "overview_beside")
        st.markdown(look.plain(both.finding))


@st.fragment
def numbers_of_all(results: list[StudyResult]) -> None:
    """Draws the table behind the two rankings once it is opened: what draws tables is large too."""
    folded = st.expander("The numbers", icon=":material/table:", key="overview_numbers", on_change="rerun")
    if folded.open:
        table = languages_table(results)
        with folded:
            look.table(table)
            look.table_downloads(table, "languages_to_english", "overview_table")


st.title("Inside a multilingual language model")
st.html("<p class='nx-question'>Does the same meaning activate the same neurons, whatever the language?</p>")
with st.container(key="welcome"):
    st.markdown(glossary.explained("welcome"))

studies = gallery_results()
result = result_to_show()
if result is None:
    st.info(
        "The precomputed results are missing. To build them, run `python -m neuronxa_core gallery`.",
        icon=":material/info:",
    )
    st.stop()
if not stage.number():  # on the stage a link's first figure is the study's curve
    the_comparison(list(studies.values()))
    st.header("One pair of languages, layer by layer")
study_line(result.study, "precomputed", files=look.study_files(result), dtypes=result.study.dtype)
say_what_stands_instead(result)
curve = curves(result)
picture, numbers = st.columns([5, 1.25], vertical_alignment="center")
with picture:
    still.picture(curve, "overview_curve")
with numbers:
    look.score_cards(result)
st.markdown(curve.finding)
link("alignment", "Open Alignment", result.study)

if stage.number():
    the_comparison(list(studies.values()))
st.header("Four questions about this model")
four_questions(result)

st.header("Which languages does this model align with English?")
left, right = st.columns(2)
with left:
    still.picture(ranking(list(studies.values())), "overview_ranking")
with right:
    still.picture(all_layers(list(studies.values())), "overview_layers")
st.caption(glossary.explained("overview"))
numbers_of_all(list(studies.values()))
with st.expander("What am I looking at?", icon=":material/help:"):
    st.markdown(glossary.explained("primer"))
