"""Overview: an introduction, precomputed results, and four questions that lead to other pages."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.language_order import level_summary, pivot_scores
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.figures import alignment, asymmetry, languages, overview, similarity
from neuronxa_core.figures import projection as projections
from neuronxa_core.figures.alt_text import alt_text
from neuronxa_core.figures.export import ExportableFigure, pair_name, preview
from neuronxa_core.gallery.read import (
    gallery_results,
    precomputed,
    precomputed_layers,
    precomputed_matrix,
    precomputed_projection,
)
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult, fertility
from neuronxa_core.study.study import Study
from pages.shared import glossary, look, picker
from pages.shared.run import study_line
from pages.shared.study_link import DEFAULT

_EXPLORE = Path(__file__).parent
_SHOWN: State = "nas"
_PREVIEW = 300


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
        for column, (page, question, label, show) in zip(st.columns(2), row, strict=True):
            with column.container(border=True, height="stretch"):
                st.markdown(f"### {question}")
                shown = show(result) or show(precomputed(DEFAULT) or result)
                if shown:
                    study, exportable, finding = shown
                    figure = preview(exportable, look.theme(), _PREVIEW)
                    look.still(figure, f"overview_{page}", alt_text(figure, exportable.title, finding))
                    st.caption(finding)
                    link(page, label, study)


_Shown = tuple[Study, ExportableFigure, str] | None


def _similarity(result: StudyResult) -> _Shown:
    layers, layer = precomputed_layers(result.study), result.peak(_SHOWN)[0]
    if layers is None:
        return None
    matrix = layers.similarity(_SHOWN, layer)
    exportable = similarity.exportable_matrix(result.study, matrix, _SHOWN, layer, range(result.pairs))
    return (
        result.study,
        exportable,
        f"{pair_name(result.study)}. {similarity.similarity_finding(result, {_SHOWN: matrix}, layer)}",
    )


def _asymmetry(result: StudyResult) -> _Shown:
    exportable = asymmetry.exportable_direction(result, _SHOWN, result.peak(_SHOWN)[0])
    return result.study, exportable, asymmetry.direction_finding(result, _SHOWN)


def _projection(result: StudyResult) -> _Shown:
    study, layer = result.study, result.peak(_SHOWN)[0]
    projection = precomputed_projection(study, _SHOWN, ProjectionSettings())
    if projection is None:
        return None
    bitext = study.bitext()
    return (
        study,
        projections.exportable_projection(projection, bitext, layer),
        projections.projection_finding([projection], layer),
    )


def _languages(result: StudyResult) -> _Shown:
    matrix = precomputed_matrix(result.study)
    if matrix is None:
        return None
    scores = pivot_scores(matrix, ENGLISH)
    summary = level_summary(scores)
    exportable = languages.exportable_levels(matrix, scores, summary, ENGLISH, None)
    return result.study, exportable, languages.level_finding(summary, ENGLISH)


_QUESTIONS: tuple[tuple[str, str, str, Callable[[StudyResult], _Shown]], ...] = (
    ("similarity", "Which sentences does the model confuse?", "Open Similarity", _similarity),
    ("projection", "Do sentences group by meaning or by language?", "Open Projection", _projection),
    ("asymmetry", "Are translations equally easy to find in both directions?", "Open Asymmetry", _asymmetry),
    ("languages", "Which languages are close, and which are left out?", "Open Languages", _languages),
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
study_line(result.study, "precomputed", files=look.study_files(result), dtypes=result.study.dtype)
say_what_stands_instead(result)
finding = alignment.alignment_finding(result)
picture, numbers = st.columns([5, 1.25], vertical_alignment="center")
with picture:
    look.picture(alignment.exportable_curves(result), "overview_curve", shows=finding)
with numbers:
    look.score_cards(result)
st.markdown(finding)
link("alignment", "Open Alignment", result.study)

st.header("Four questions about this model")
four_questions(result)

st.header("Which languages does this model align with English?")
left, right = st.columns(2)
with left:
    ranking = overview.ranking_finding(list(studies.values()))
    look.picture(overview.exportable_ranking(list(studies.values())), "overview_ranking", shows=ranking)
with right:
    look.picture(overview.exportable_layers(list(studies.values()), "nas"), "overview_layers")
st.caption(glossary.explained("overview"))
with st.expander("The numbers", icon=":material/table:"):
    table = languages_table(list(studies.values()))
    look.table(table)
    look.table_downloads(table, "languages_to_english", "overview_table")
with st.expander("What am I looking at?", icon=":material/help:"):
    st.markdown(glossary.explained("primer"))
