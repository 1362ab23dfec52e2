"""What the Overview shows: a precomputed study, and for each of the other pages its question, a picture and the finding."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from neuronxa_core import figures
from neuronxa_core.alignment.language_order import level_summary, pivot_scores
from neuronxa_core.alignment.projection import ProjectionSettings
from neuronxa_core.alignment.result import SUMMARY_NAMES, Study, StudyResult, fertility
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import plates
from neuronxa_core.figures.plates import Plate, preview
from neuronxa_core.gallery import PIVOT, precomputed, precomputed_layers, precomputed_matrix, precomputed_projection
from neuronxa_core.states.sentences import STATES, State
from pages.shared import look, picker

_EXPLORE = Path(__file__).parent.parent / "explore"
_SHOWN: State = "nas"
_PREVIEW = 300


def result_to_show() -> StudyResult | None:
    """The study in the sidebar if it came with the dashboard, else the default one, which does."""
    chosen = st.session_state.study
    return (precomputed(chosen) if chosen else None) or precomputed(picker.DEFAULT)


def say_what_stands_instead(result: StudyResult) -> None:
    """Where the sidebar asks for something that did not come with the dashboard."""
    chosen = st.session_state.study
    if chosen and not result.study.answers(chosen):
        st.info(
            f"The study in the sidebar is not among the precomputed ones, so {plates.names(result.study)} stand here. "
            "The other pages show yours.",
            icon=":material/info:",
        )


def link(page: str, label: str, study: Study) -> None:
    """To a page of the Explore section, with the study that is shown here."""
    path, icon = _EXPLORE / f"{page}.py", ":material/arrow_forward:"
    if st.session_state.study and study.answers(st.session_state.study):
        st.page_link(path, label=label, icon=icon)
    elif st.button(label, icon=icon, type="tertiary", key=f"open_{page}"):
        picker.open_study(path, study)


def four_questions(result: StudyResult) -> None:
    """A card per page; each shows a picture of this study where one is stored, else of the default study."""
    for row in (_QUESTIONS[:2], _QUESTIONS[2:]):
        for column, (page, question, label, show) in zip(st.columns(2), row, strict=True):
            with column.container(border=True, height="stretch"):
                st.markdown(f"#### {question}")
                shown = show(result) or show(precomputed(picker.DEFAULT) or result)
                if shown:
                    study, plate, finding = shown
                    st.plotly_chart(
                        preview(plate, look.theme(), _PREVIEW),
                        key=f"overview_{page}",
                        theme=None,
                        config={"staticPlot": True},
                    )
                    st.caption(finding)
                    link(page, label, study)


_Shown = tuple[Study, Plate, str] | None


def _similarity(result: StudyResult) -> _Shown:
    layers, layer = precomputed_layers(result.study), result.peak(_SHOWN)[0]
    if layers is None:
        return None
    matrix = layers.similarity(_SHOWN, layer)
    plate = plates.matrix_plate(result.study, matrix, _SHOWN, layer, range(result.pairs))
    return (
        result.study,
        plate,
        f"{plates.names(result.study)}. {figures.similarity_finding(result, {_SHOWN: matrix}, layer)}",
    )


def _asymmetry(result: StudyResult) -> _Shown:
    plate = plates.direction_plate(result, _SHOWN, result.peak(_SHOWN)[0])
    return result.study, plate, figures.direction_finding(result, _SHOWN)


def _projection(result: StudyResult) -> _Shown:
    study, layer = result.study, result.peak(_SHOWN)[0]
    projection = precomputed_projection(study, _SHOWN, ProjectionSettings())
    if projection is None:
        return None
    bitext = study.bitext()
    return (
        study,
        plates.projection_plate(projection, bitext, layer),
        figures.projection_finding([projection], layer),
    )


def _languages(result: StudyResult) -> _Shown:
    matrix = precomputed_matrix(result.study)
    if matrix is None:
        return None
    scores = pivot_scores(matrix, PIVOT)
    summary = level_summary(scores)
    plate = plates.levels_plate(matrix, scores, summary, PIVOT, None)
    return result.study, plate, figures.level_finding(summary, PIVOT)


_QUESTIONS: tuple[tuple[str, str, str, Callable[[StudyResult], _Shown]], ...] = (
    ("similarity", "Which sentences does it take for each other?", "Open Similarity", _similarity),
    ("projection", "Do sentences gather by meaning or by language?", "Open Projection", _projection),
    ("asymmetry", "Is the way there as easy as the way back?", "Open Asymmetry", _asymmetry),
    ("languages", "Who is close to whom, and who is left out?", "Open Languages", _languages),
)


def languages_table(results: list[StudyResult]) -> pd.DataFrame:
    """One row per result: language, its name, and per state the mean over layers with its interval, peak and its layer."""
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
