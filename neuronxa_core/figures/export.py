"""Figures that can leave the page: each with the name, the title and the caption that it needs to stand alone.

The pages draw them, the dialog that saves a picture prints them, and the report of a study is a row of them.
"""

import html
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.study.study import Study
from neuronxa_core.version import __version__

PAGE, COLUMN = 680, 400
"""Widths of a printed figure in CSS pixels, 96 to the inch: 180 mm across a page, and 106 mm for what is square."""
DPI = 300
_LINE, _LETTER = 15, 5.5
"""Pixels of a line and of an average letter of the caption."""


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


def printed(exportable: ExportableFigure, theme: Theme = "light") -> go.Figure:
    """The figure at print size on its own ground, title and caption above it, without what only a screen can use."""
    figure = standing(exportable, theme)
    palette = PALETTES[theme]
    lines = _caption(exportable)
    room = len(lines) * _LINE + 34
    text = "<br>".join(
        [f"<b>{_plain(exportable.title)}</b>"]
        + [f"<span style='font-size:11px;color:{palette.muted}'>{_plain(line)}</span>" for line in lines]
    )
    height, margin = figure.layout.height + room, figure.layout.margin
    figure.update_layout(
        width=exportable.width,
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


def standing(exportable: ExportableFigure, theme: Theme = "light") -> go.Figure:
    """The figure without the click targets, buttons and frames that only a page can use."""
    drawn = exportable.draw(theme)
    figure = go.Figure(data=[trace for trace in drawn.data if trace.name != "cells"], layout=drawn.layout)
    figure.layout.updatemenus = ()
    return figure


def preview(exportable: ExportableFigure, theme: Theme, height: int) -> go.Figure:
    """The figure small, to look at and not to touch: no hover, no colour bar."""
    figure = standing(exportable, theme).update_layout(height=height, hovermode=False)
    figure.update_layout(margin={"b": min(figure.layout.margin.b or 0, 8)})  # no room for buttons
    return figure.update_traces(showscale=False, selector={"type": "heatmap"})


def _caption(exportable: ExportableFigure) -> list[str]:
    letters = int((exportable.width - 16) / _LETTER)
    return [
        line
        for text in (exportable.note, f"{exportable.source} · NeuronXA Explorer {__version__}")
        for line in textwrap.wrap(text, letters)
    ]


def _plain(text: str) -> str:
    return html.escape(text, quote=False)


def pair_name(study: Study) -> str:
    return f"{language(study.source).name} and {language(study.target).name}"


def shared_caption(study: Study, both: bool = False) -> str:
    """The study's caption without the language, or the languages, that are not shared."""
    pair = f"{study.source} → {study.target}"
    return study.caption.replace(f"{pair} · ", "" if both else f"to {study.target} · ")
