"""Saving a picture: how it will be printed, and its files. The browser draws it; see neuronxa_core.figures.printing."""

import hashlib
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from neuronxa_core.errors import FigureError
from neuronxa_core.figures.alt_text import alt_text
from neuronxa_core.figures.drawn import drawn_values
from neuronxa_core.figures.export import PAGE, ExportableFigure, printed, standing
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.printing import (
    DPI,
    FORMATS,
    NARROWEST,
    WIDEST,
    WIDTHS,
    Picture,
    drawn_width,
    picture_of,
)
from neuronxa_core.figures.tables import Column
from neuronxa_core.numbers import MISSING, unbroken, with_unit
from neuronxa_core.settings import ASSETS
from pages.shared.columns import shown_table, table_csv

_MIME = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
_OTHER = "Other"


@cache
def _component() -> Any:
    script = (ASSETS / "draw_pictures.js").read_text(encoding="utf-8")
    return st.components.v2.component("neuronxa_draw_pictures", js=script)


def drawn(figures: Sequence[go.Figure], key: str) -> list[str] | None:
    """The figures as SVG, drawn by the viewer's browser; None until it has. Raises FigureError if it cannot."""
    texts = [figure.to_json() for figure in figures]
    token = hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()
    found = _component()(
        key=key, data={"token": token, "figures": texts}, height=1, on_drawn_change=_nothing, default={"drawn": None}
    )
    answer = found.drawn
    if not answer or answer["token"] != token:
        return None
    if "problem" in answer:
        raise FigureError("This browser could not draw the picture.", "Reload the page and try again.")
    return list(answer["svgs"])


def _nothing() -> None:
    """Does nothing: a component reports a value only if it has a callback."""


def width_box(usual: float, key: str) -> float:
    """The width in millimetres: one column, two columns, or any other."""
    choices = [*map(str, WIDTHS), _OTHER]
    names = dict(zip(choices, (unbroken("84 mm, one column"), unbroken("174 mm, two columns"), "Other"), strict=True))
    chosen = st.segmented_control(
        "Width", choices, default=f"{usual:g}", format_func=lambda each: names[each], required=True, key=key
    )
    if chosen != _OTHER:
        return float(chosen)
    return float(st.number_input("Millimetres", NARROWEST, WIDEST, 120, key=f"{key}_free"))


def usual_width(exportable: ExportableFigure) -> int:
    return WIDTHS[exportable.width >= PAGE]


@st.dialog("Save this picture", width="large")
def save_picture(exportable: ExportableFigure) -> None:
    """Draws a preview of the printed figure and the buttons that save it."""
    millimetres = width_box(usual_width(exportable), "save_width")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ground: Theme = st.segmented_control(
            "Background", list(PALETTES), default="light", format_func=str.capitalize, required=True, key="save_ground"
        )
        titled = st.toggle("Title", True, key="save_titled")
        captioned = st.toggle("Caption", True, key="save_captioned")
    figure = printed(exportable, ground, drawn_width(exportable, millimetres), titled, captioned)
    buttons = st.container(horizontal=True)
    with st.container(key="printed"):
        alt = alt_text(figure, exportable.title, exportable.note)
        st.plotly_chart(figure, key="save_figure", theme=None, config={"staticPlot": True}, width="content", alt=alt)
    _numbers(exportable)
    try:
        svgs = drawn([figure], "save_drawn")
        picture = picture_of(exportable, svgs[0], millimetres) if svgs else None
    except FigureError as problem:
        st.error(str(problem), icon=":material/error:")
        return
    with buttons:
        _files(picture, exportable.stem)
    st.caption(
        f"{with_unit(f'{millimetres:g}', 'mm')} wide. PNG at {with_unit(str(DPI), 'dpi')}; SVG and PDF scale to any "
        "size and have Source Sans 3 embedded. A "
        "script that this font lacks, such as Arabic in a token, is set in a font of the server in PNG and PDF, and in "
        "SVG in a font of whoever opens it."
    )


def _numbers(exportable: ExportableFigure) -> None:
    """Draws what the picture shows as a table, with a download."""
    table = drawn_values(standing(exportable))
    with st.expander("The numbers of this picture", icon=":material/table:"):
        own = {name: Column(name, "%.3f") for name in table.select_dtypes("float")}
        shown, config = shown_table(table, own | {name: Column(name) for name in table if name not in own})
        st.dataframe(shown, hide_index=True, placeholder=MISSING, column_config=config, key="save_table")
        st.download_button(
            "CSV",
            lambda: table_csv(table),
            file_name=f"{exportable.stem}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="save_numbers",
        )


def _files(picture: Picture | None, stem: str) -> None:
    """Draws a button per format, disabled while the browser is drawing."""
    for suffix in FORMATS:
        st.download_button(
            suffix.upper(),
            partial(picture.file, suffix) if picture else b"",
            file_name=f"{stem}.{suffix}",
            mime=_MIME[suffix],
            icon=":material/download:",
            on_click="ignore",
            disabled=picture is None,
            key=f"save_as_{suffix}",
        )
