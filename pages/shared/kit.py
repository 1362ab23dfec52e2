"""The paper kit: a choice of figures, and one ZIP with everything that a paper needs from a study."""

import streamlit as st

from neuronxa_core.errors import FigureError
from neuronxa_core.figures.export import ExportableFigure, printed
from neuronxa_core.figures.paper_kit import methods, paper_kit, plain_cite
from neuronxa_core.figures.printing import FORMATS, Picture, drawn_width, picture_of
from neuronxa_core.figures.report import study_figures
from neuronxa_core.gallery.report import gather
from neuronxa_core.study.result import StudyResult
from pages.shared.save import drawn, width_box

_MOST = 12
"""Figures in one kit, so that the browser draws them in seconds."""


@st.dialog("Paper kit", width="large")
def open_kit(result: StudyResult) -> None:
    """Draws the choice of figures, the methods sentence, and the button that saves the ZIP."""
    offered = {each.stem: each for each in _figures(result)}
    chosen = st.multiselect(
        "Figures",
        list(offered),
        default=list(offered)[:1],
        format_func=lambda stem: offered[stem].title,
        max_selections=_MOST,
        key="kit_figures",
    )
    millimetres = width_box(174, "kit_width")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        suffixes = st.pills(
            "Formats", FORMATS, default=["pdf"], selection_mode="multi", format_func=str.upper, key="kit_formats"
        )
        titled = st.toggle("Title and caption inside the figures", False, key="kit_titled")
    try:
        pictures = _drawn([offered[stem] for stem in chosen], millimetres, titled)
    except FigureError as problem:
        st.error(str(problem), icon=":material/error:")
        return
    st.download_button(
        "Save the kit, ZIP",
        lambda: paper_kit(result, pictures or {}, suffixes),
        file_name=f"{result.study.stem}.paper.zip",
        mime="application/zip",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        disabled=pictures is None,
        key="kit_save",
    )
    st.caption(
        "In the ZIP: the figures, light, each with its caption; the scores with their intervals as a LaTeX and a "
        "Markdown table; a caption; the methods below; BibTeX of the papers, the corpus, the model and this software; "
        "and the scores and the summary in full."
    )
    st.text(methods(result, str, plain_cite))


def _drawn(figures: list[ExportableFigure], millimetres: float, titled: bool) -> dict[str, Picture] | None:
    """The figures as files by stem; None while the browser is drawing them."""
    if not figures:
        return {}
    prints = [printed(each, "light", drawn_width(each, millimetres), titled, titled) for each in figures]
    svgs = drawn(prints, "kit_drawn")
    if svgs is None:
        return None
    return {each.stem: picture_of(each, svg, millimetres) for each, svg in zip(figures, svgs, strict=True)}


def _figures(result: StudyResult) -> list[ExportableFigure]:
    """The figures of the report, made once for as long as the dialog shows the same study."""
    kept = st.session_state.get("kit_of")
    if kept is None or kept[0] is not result:
        kept = st.session_state.kit_of = (result, study_figures(result, gather(result)))
    return list(kept[1])
