"""Figures that can leave the page: each with the name, the title and the caption that it needs to stand alone.

The pages draw them, the dialog that saves a picture prints them, and the report of a study is a row of them.
"""

import html
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import cell_texts
from neuronxa_core.study.study import Study
from neuronxa_core.version import __version__

PAGE, COLUMN = 680, 400
"""Widths of a printed figure in CSS pixels, 96 to the inch: 180 mm across a page, and 106 mm for what is square."""
_LINE, _LETTER = 16, 6.1
"""Pixels of a line and of an average letter of the caption."""
_TITLE_LINE, _TITLE_LETTER = 19, 7.2
_COLUMN_NAME, _ROW_NAMES = 14, 130
"""Pixels across that an upright name takes, and that the names of the rows do."""


@dataclass(frozen=True)
class ExportableFigure:
    """A figure that knows what it shows.

    stem: a file name without its suffix. note: how to read it, in a sentence. source: the study, as a caption.
    draw: the figure in a theme. width: in print, CSS pixels.
    """

    stem: str
    title: str
    note: str
    source: str
    draw: Callable[[Theme], go.Figure]
    width: int = PAGE


def printed(
    exportable: ExportableFigure,
    theme: Theme = "light",
    width: int | None = None,
    titled: bool = True,
    captioned: bool = True,
) -> go.Figure:
    """The figure at print size on its own ground, title and caption above it, without what only a screen can use.

    width: in CSS pixels, instead of the figure's own; what is square stays so.
    """
    figure = standing(exportable, theme)
    palette = PALETTES[theme]
    width = width or exportable.width
    _thin_columns(figure, width)
    for trace in figure.data:
        if trace.type == "heatmap" and trace.texttemplate:
            trace.text = cell_texts(trace.text, int((width - _ROW_NAMES) / len(trace.text[0]) / _LETTER), 2)
    titles = _wrapped(exportable.title, width, _TITLE_LETTER) if titled else []
    lines = _caption(exportable, width) if captioned else []
    room = len(titles) * _TITLE_LINE + len(lines) * _LINE + (15 if titles or lines else 0)
    text = "<br>".join(
        [f"<b>{_plain(line)}</b>" for line in titles]
        + [f"<span style='font-size:12px;color:{palette.muted}'>{_plain(line)}</span>" for line in lines]
    )
    drawn, margin = figure.layout.height, figure.layout.margin
    if exportable.width < PAGE:
        drawn = round(drawn * width / exportable.width)
    height = drawn + room
    figure.update_layout(
        width=width,
        height=height,
        autosize=False,
        paper_bgcolor=palette.ground,
        margin={"t": margin.t + room} | {side: max(margin[side], 12) for side in "lrb"},
        title={
            "text": text,
            "font": {"size": 14, "color": palette.ink},
            **{"xref": "container", "x": 0, "xanchor": "left", "pad": {"l": 8}},
            **{"yref": "container", "y": 1 - 18 / height, "yanchor": "top"},
        },
    )
    return figure


def _thin_columns(figure: go.Figure, width: int) -> None:
    """Names as many upright columns as there is room for; rows and columns are in the same order."""
    axis = figure.layout.xaxis
    if axis.tickangle != -90 or not axis.ticktext:
        return
    every = math.ceil(_COLUMN_NAME * len(axis.ticktext) / max(width - _ROW_NAMES, 1))
    axis.update(tickvals=axis.tickvals[::every], ticktext=axis.ticktext[::every])


def standing(exportable: ExportableFigure, theme: Theme = "light") -> go.Figure:
    """The figure without the click targets, buttons and frames that only a page can use."""
    drawn = exportable.draw(theme)
    figure = go.Figure(data=[trace for trace in drawn.data if trace.name != "cells"], layout=drawn.layout)
    figure.layout.updatemenus = ()
    return figure


def preview(exportable: ExportableFigure, theme: Theme, height: int) -> go.Figure:
    """The figure small: no colour bar."""
    figure = standing(exportable, theme).update_layout(height=height)
    figure.update_layout(margin={"b": min(figure.layout.margin.b or 0, 8)})  # no room for buttons
    return figure.update_traces(showscale=False, selector={"type": "heatmap"})


def caption(exportable: ExportableFigure) -> str:
    """How to read the figure, what it shows and what drew it, as one text."""
    return f"{exportable.note} {_origin(exportable)}."


def _origin(exportable: ExportableFigure) -> str:
    return f"{exportable.source} · NeuronXA Explorer {__version__}"


def _caption(exportable: ExportableFigure, width: int) -> list[str]:
    return [line for text in (exportable.note, _origin(exportable)) for line in _wrapped(text, width, _LETTER)]


def _wrapped(text: str, width: int, letter: float) -> list[str]:
    return textwrap.wrap(text, max(12, int((width - 16) / letter)))


def _plain(text: str) -> str:
    return html.escape(text, quote=False)


def pair_name(study: Study) -> str:
    return f"{language(study.source).name} and {language(study.target).name}"


def shared_caption(study: Study, both: bool = False) -> str:
    """The study's caption without the language, or the languages, that are not shared."""
    pair = f"{study.source} → {study.target}"
    return study.caption.replace(f"{pair} · ", "" if both else f"to {study.target} · ")
