"""The matrix of many languages, up to all of FLORES: cells without targets for clicks, to zoom into and search."""

from collections.abc import Collection
from itertools import accumulate

import numpy as np
import plotly.graph_objects as go

from neuronxa_core.analyses.language_matrix import LanguageMatrix
from neuronxa_core.analyses.language_order import Arrangement
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, Theme, score_scale
from neuronxa_core.figures.style import blank, score_bar
from neuronxa_core.numbers import score
from neuronxa_core.states.sentences import State

LARGE = 40
"""With more languages than this, the matrix is drawn here."""
_BELOW = 150
_CELLS = 700


def large_heatmap(
    matrix: LanguageMatrix,
    arrangement: Arrangement,
    state: State,
    layer: int | None,
    theme: Theme = "light",
    found: Collection[str] = (),
) -> go.Figure:
    """Mutual scores, 0 to 1, of every pair, in the order of `arrangement`, with lines between its groups.

    A rectangle that is drawn zooms in; plotly writes as many names beside the rows as have room. found: languages
    whose rows and columns are framed. Of a cell it holds the score and the hover text: under three megabytes in all.
    """
    shown = matrix.take(arrangement.codes)
    names = _names(shown.codes)
    figure = blank(
        theme,
        _CELLS + _BELOW,
        margin={"l": 8, "r": 8, "t": 8, "b": _BELOW - 8},
        dragmode="zoom",
        hovermode="closest",
    )
    where = "mean over layers" if layer is None else f"layer {layer}"
    figure.add_trace(
        go.Heatmap(
            x=names,
            y=names,
            z=shown.score(state, layer).astype(np.float32),
            zmin=0,
            zmax=1,
            colorscale=score_scale(state, theme),
            name="scores",
            text=_texts(shown, state, layer),
            hovertemplate="<b>%{y} and %{x}</b><br>%{text}<extra></extra>",
            hoverongaps=False,
            colorbar=score_bar(0.9, title=f"{STATE_NAMES[state]} score, {where}"),
        )
    )
    shared = {"type": "category", "showgrid": False, "ticks": "", "showline": False, "fixedrange": False}
    figure.update_xaxes(tickangle=-90, tickfont={"size": 12}, **shared)
    figure.update_yaxes(autorange="reversed", tickfont={"size": 12}, **shared)
    _lines(figure, arrangement, theme)
    for code in found:
        _frame(figure, shown.codes, code, theme)
    return figure


def _names(codes: Collection[str]) -> list[str]:
    """A name per language, with its code where two languages share it."""
    names = [language(code).name for code in codes]
    return [name if names.count(name) == 1 else f"{name} ({code})" for name, code in zip(names, codes, strict=True)]


def _texts(matrix: LanguageMatrix, state: State, layer: int | None) -> list[list[str]]:
    """What a cell says: the score, and P@1 from the row to the column and back."""
    scores, direction = matrix.score(state, layer), matrix.direction(state, layer)
    written: dict[float, str] = {}

    def text(value: float) -> str:
        if value not in written:  # a share of pairs has few values
            written[value] = score(value).replace("<", "&lt;")
        return written[value]

    return [
        [
            "" if row == column else f"{text(value)}<br>→ {text(there)}, ← {text(back)}"
            for column, (value, there, back) in enumerate(
                zip(scores[row], direction[row], direction[:, row], strict=True)
            )
        ]
        for row in range(len(scores))
    ]


def _lines(figure: go.Figure, arrangement: Arrangement, theme: Theme) -> None:
    """Lines between the groups. A group's place is that of its last language."""
    size, line = len(arrangement.codes), {"color": PALETTES[theme].muted, "width": 1}
    for end in list(accumulate(count for _, count in arrangement.groups))[:-1]:
        figure.add_shape(type="line", x0=end - 0.5, x1=end - 0.5, y0=-0.5, y1=size - 0.5, line=line)
        figure.add_shape(type="line", y0=end - 0.5, y1=end - 0.5, x0=-0.5, x1=size - 0.5, line=line)


def _frame(figure: go.Figure, codes: tuple[str, ...], code: str, theme: Theme) -> None:
    """A frame around the row and the column of a language, and its name above the column."""
    if code not in codes:
        return
    place, size = codes.index(code), len(codes)
    line = {"color": PALETTES[theme].ink, "width": 1.5}
    figure.add_shape(type="rect", x0=place - 0.5, x1=place + 0.5, y0=-0.5, y1=size - 0.5, line=line)
    figure.add_shape(type="rect", y0=place - 0.5, y1=place + 0.5, x0=-0.5, x1=size - 0.5, line=line)
    figure.add_annotation(
        x=size - 1,
        y=place,
        text=language(code).name,
        xanchor="right",
        showarrow=False,
        bgcolor=PALETTES[theme].ground,
        font={"size": 12},
    )
