"""Sentences as points: one panel per state, all its layers as frames, so that Play runs in the browser.

When Play ends or is stopped, the panel is back at the layer that was chosen, which the page's other numbers belong to.
"""

import html
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from neuronxa_core.analyses.projection import Projection
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import COLUMN, ExportableFigure, pair_name
from neuronxa_core.figures.palette import (
    LANGUAGE_SYMBOLS,
    PALETTES,
    STATE_NAMES,
    Theme,
    translucent,
)
from neuronxa_core.figures.style import blank
from neuronxa_core.figures.wording import within
from neuronxa_core.numbers import decimal, score

HEIGHT = 460
_STEP, _GLIDE = 900, 600
"""Milliseconds that Play stays with a layer, and that the points take to get there."""
_LETTERS = 46


def projection_panel(
    projection: Projection,
    bitext: Bitext,
    layer: int,
    pair: int | None = None,
    all_lines: bool = False,
    theme: Theme = "light",
) -> go.Figure:
    """One state at one layer: a point per sentence, its text in the hover, a line between the halves of `pair`.

    The axes have no unit and no meaning of their own; every layer has the same range. Customdata of a point: the
    number of its pair, from 1. layer: one that the state has; pair: an index. First come the languages' points.
    """
    palette = PALETTES[theme]
    figure = blank(
        theme,
        HEIGHT,
        margin={"l": 2, "r": 2, "t": 58, "b": 46},
        hovermode="closest",
        clickmode="event+select",
        dragmode=False,
    )
    across, up = (1.08 * float(each) or 1.0 for each in np.abs(projection.coordinates).max(axis=(0, 1)))
    axis = {
        "constrain": "range",
        "fixedrange": False,
        "showgrid": False,
        "showticklabels": False,
        "ticks": "",
        "showline": True,
    }
    figure.update_xaxes(**axis, range=[-across, across], mirror=True, linecolor=palette.grid)
    figure.update_yaxes(**axis, range=[-up, up], mirror=True, linecolor=palette.grid, scaleanchor="x")
    figure.add_traces(_traces(projection, bitext, layer, pair, all_lines, theme))
    corner = {"range": [0, 1], "visible": False, "fixedrange": True}
    figure.update_layout(xaxis2={**corner, "overlaying": "x"}, yaxis2={**corner, "overlaying": "y"})
    _heading(figure, projection, bitext, theme)
    _play(figure, projection, layer, theme)
    figure.frames = [
        {"name": str(each), "data": _moved(projection, each, pair, all_lines)} for each in projection.layers
    ]
    return figure


def _moved(projection: Projection, layer: int, pair: int | None, all_lines: bool) -> list[dict[str, Any]]:
    """What changes from layer to layer, trace by trace."""
    points, pairs = projection.points(layer).astype(np.float64).round(3), projection.pairs
    halves = [{"x": half[:, 0].tolist(), "y": half[:, 1].tolist()} for half in (points[:pairs], points[pairs:])]
    chosen = [] if pair is None else [pair]
    lines = [_lines(points, range(pairs) if all_lines else []), _lines(points, chosen)]
    return [*({"type": "scatter", **place} for place in (*halves, *lines)), {"type": "scatter", "text": [_at(layer)]}]


def _lines(points: np.ndarray, chosen: Sequence[int]) -> dict[str, list[float | None]]:
    """From half to half of each chosen pair, with a gap between two pairs."""
    pairs = len(points) // 2
    return {
        name: [
            place for pair in chosen for place in (float(points[pair, axis]), float(points[pairs + pair, axis]), None)
        ]
        for axis, name in enumerate("xy")
    }


def _traces(
    projection: Projection,
    bitext: Bitext,
    layer: int,
    pair: int | None,
    all_lines: bool,
    theme: Theme,
) -> list[go.Scatter]:
    palette = PALETTES[theme]
    source, target, every, chosen, label = _moved(projection, layer, pair, all_lines)
    sides = ((source, bitext.source, bitext.source_sentences), (target, bitext.target, bitext.target_sentences))
    points = [
        go.Scatter(
            **place,
            mode="markers",
            name=language(code).name,
            customdata=list(range(1, projection.pairs + 1)),
            text=[_wrapped(sentence) for sentence in sentences[: projection.pairs]],
            hovertemplate=f"<b>{language(code).name}</b>, pair %{{customdata}}<br>%{{text}}<extra></extra>",
            marker=_marker(side, pair, projection.pairs, theme),
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 0.85}},
        )
        for side, (place, code, sentences) in enumerate(sides)
    ]
    thin = {"color": translucent(palette.muted, 0.35), "width": 1}
    thick = {"color": palette.ink, "width": 2}
    lines = [
        go.Scatter(**place, mode="lines", line=line, hoverinfo="skip", name=name)
        for place, line, name in ((every, thin, "pairs"), (chosen, thick, "chosen pair"))
    ]
    caption = go.Scatter(
        x=[0.01],
        y=[0.99],
        mode="text",
        text=label["text"],
        textposition="bottom right",
        textfont={"size": 15, "color": palette.muted},
        hoverinfo="skip",
        xaxis="x2",
        yaxis="y2",
        name="layer",
    )
    return [*points, *lines, caption]


def _marker(side: int, pair: int | None, pairs: int, theme: Theme) -> dict[str, Any]:
    """The chosen pair is larger and has a rim of ink."""
    palette = PALETTES[theme]
    chosen = [index == pair for index in range(pairs)]
    return {
        "symbol": LANGUAGE_SYMBOLS[side],
        "color": palette.languages[side],
        "opacity": 0.85,
        "size": [15 if yes else 9 for yes in chosen],
        "line": {
            "color": palette.ink if pair is not None else palette.ground,
            "width": [2.2 if y else 0 for y in chosen],
        },
    }


def _wrapped(sentence: str) -> str:
    """For the hover: short lines, and nothing that plotly would read as markup."""
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(sentence, _LETTERS))


def _at(layer: int) -> str:
    return f"Layer {layer}" if layer else "Token embedding"


def _heading(figure: go.Figure, projection: Projection, bitext: Bitext, theme: Theme) -> None:
    """The state's name, and which symbol is which language."""
    palette = PALETTES[theme]
    names = zip(palette.languages, "●▲", (bitext.source, bitext.target), strict=True)
    key = "   ".join(
        f"<span style='color:{colour}'>{sign} {language(code).name}</span>" for colour, sign, code in names
    )
    colour, method = palette.states[projection.state], projection.settings.method.upper()
    state = f"<b style='color:{colour}'>{STATE_NAMES[projection.state]}</b> · {method}"
    for text, shift in ((state, 46), (key, 24)):
        figure.add_annotation(
            text=text,
            **{"xref": "paper", "yref": "paper", "x": 0, "y": 1, "yshift": shift},
            xanchor="left",
            showarrow=False,
            font={"size": 15},
        )


def _play(figure: go.Figure, projection: Projection, layer: int, theme: Theme) -> None:
    palette = PALETTES[theme]
    pace = {"frame": {"duration": _STEP, "redraw": False}, "transition": {"duration": _GLIDE, "easing": "cubic-in-out"}}
    back = {"frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}, "mode": "immediate"}
    way = [*(str(each) for each in projection.layers if each), str(layer)]  # from 1, so that panels keep step
    buttons = [
        {"label": "▶ Play all layers", "method": "animate", "args": [way, {**pace, "mode": "immediate"}]},
        {"label": "■ Stop", "method": "animate", "args": [[str(layer)], back]},
    ]
    figure.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "buttons": buttons,
                **{"x": 0, "y": 0, "xanchor": "left", "yanchor": "top"},
                "pad": {"t": 10, "l": 0},
                "bgcolor": palette.ground,
                "bordercolor": palette.grid,
                "font": {"size": 13, "color": palette.ink},
            }
        ]
    )


def exportable_projection(
    projection: Projection, bitext: Bitext, layer: int, pair: int | None = None, lines: bool = False
) -> ExportableFigure:
    settings = projection.settings
    how = (
        f"UMAP of all layers together, {settings.neighbours} neighbours, minimum distance "
        f"{decimal(settings.min_dist)}, {settings.metric} metric, seed {settings.seed}"
        if settings.method == "umap"
        else "PCA"
    )
    trust = float(projection.table.set_index("layer").loc[layer, "trustworthiness"])
    return ExportableFigure(
        f"{projection.study.stem}.layer{layer}.{projection.state}.{settings.method}",
        f"Sentences by {within(projection.state)} at layer {layer}: {pair_name(projection.study)}",
        f"Each point is a sentence. {how}; trustworthiness {score(trust)}. The axes have no unit.",
        projection.study.caption,
        lambda theme: projection_panel(projection, bitext, layer, pair, lines, theme),
        COLUMN + 120,
    )
