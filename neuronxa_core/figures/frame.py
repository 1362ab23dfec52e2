"""What every figure shares: ground, type, axes. A figure is a pure function of a result and a theme."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from neuronxa_core.figures.palette import PALETTES, Theme

FONT = '"Source Sans", "Source Sans Pro", "Noto Sans", sans-serif'


def blank(theme: Theme, height: int, **layout: Any) -> go.Figure:
    """An empty figure in the house style, transparent, so that it lies on the page's own ground."""
    palette = PALETTES[theme]
    axis = {
        "gridcolor": palette.grid,
        "linecolor": palette.muted,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": palette.grid,
        "title": {"standoff": 8, "font": {"size": 13, "color": palette.muted}},
        "fixedrange": True,
        "automargin": True,
    }
    figure = go.Figure()
    figure.update_layout(
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13, "color": palette.ink},
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        hoverlabel={"font": {"family": FONT, "size": 13}, "bgcolor": palette.ground, "bordercolor": palette.grid},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "activecolor": palette.ink},
        showlegend=False,
        xaxis=axis,
        yaxis=axis,
    )
    figure.update_layout(**layout)
    return figure


def spread(heights: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights moved as little as needed so that labels stand at least `gap` apart between `low` and `high`."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    placed = [0.0] * len(heights)
    floor = low
    for index in order:
        placed[index] = max(heights[index], floor)
        floor = placed[index] + gap
    ceiling = high
    for index in reversed(order):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return placed
