"""A curve as every page draws it: its band, its line with marks, a ring at its peak, and its name where it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, translucent
from neuronxa_core.figures.style import spread
from neuronxa_core.numbers import score
from neuronxa_core.states.sentences import State


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line through points.

    low, high: its interval, drawn as a band. symbol: of its marks; none for a plain line. peak: whether a ring and a
    number mark its highest point. more: goes to plotly's Scatter as it is (hovertemplate, customdata, yaxis, fill).
    """

    name: str
    colour: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    symbol: str = ""
    size: int = 7
    width: float = 2.2
    dash: str = "solid"
    peak: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


def state_curve(state: State, theme: Theme, **given: Any) -> Curve:
    """A curve of a state, in its colour, with its symbol and, unless another is given, under its name."""
    return Curve(
        **{"name": STATE_NAMES[state], "colour": PALETTES[theme].states[state], "symbol": SYMBOLS[state], **given}
    )


def draw_curves(figure: go.Figure, curves: Sequence[Curve], theme: Theme, strength: float = 0.12) -> None:
    """Adds the bands of all curves, and above them the curves in their order. strength: opacity of the bands."""
    for curve in curves:
        _draw_band(figure, curve, strength)
    for curve in curves:
        _draw_line(figure, curve, theme)
    _label_peaks(figure, curves, theme)


def _draw_band(figure: go.Figure, curve: Curve, strength: float) -> None:
    """Nothing for a curve without an interval."""
    if curve.low is None or curve.high is None:
        return
    axes = {name: curve.more[name] for name in ("xaxis", "yaxis") if name in curve.more}
    figure.add_trace(
        go.Scatter(
            x=[*curve.x, *curve.x[::-1]],
            y=[*curve.high, *curve.low[::-1]],
            mode="lines",
            fill="toself",
            fillcolor=translucent(curve.colour, strength),
            line={"width": 0},
            hoverinfo="skip",
            name=f"{curve.name} interval",
            **axes,
        )
    )


def _draw_line(figure: go.Figure, curve: Curve, theme: Theme) -> None:
    figure.add_trace(
        go.Scatter(
            x=curve.x,
            y=curve.y,
            mode="lines+markers" if curve.symbol else "lines",
            name=curve.name,
            line={"color": curve.colour, "width": curve.width, "dash": curve.dash},
            **({"marker": _marks(curve, theme)} if curve.symbol else {}),
            **curve.more,
        )
    )


_PEAK_HEIGHT, _PEAK_REACH = 17, 0.16
"""Pixels of a peak's number in height, and the share of a narrow picture's width within which two would touch."""


def _label_peaks(figure: go.Figure, curves: Sequence[Curve], theme: Theme) -> None:
    """The number of each peak above it, pushed up where another one stands in its place: the higher is on top."""
    peaks = [(curve, int(np.argmax(curve.y))) for curve in curves if curve.peak]
    if not peaks:
        return
    low, high = figure.layout.yaxis.range or (None, None)
    if low is None or high is None:
        low, high = min(curve.y.min() for curve, _ in peaks), max(curve.y.max() for curve, _ in peaks)
    margin = figure.layout.margin
    room = (figure.layout.height or 450) - (margin.t or 0) - (margin.b or 0) - 40  # 40 for the axis and its title
    pixels = room / max(high - low, 1e-9)
    reach = _PEAK_REACH * max(float(np.ptp(curve.x)) for curve, _ in peaks)
    placed: list[tuple[float, float]] = []
    for curve, top in sorted(peaks, key=lambda peak: peak[0].y[peak[1]]):
        point = float(curve.y[top]) * pixels
        height = point + _PEAK_HEIGHT
        for x, other in placed:  # lowest first, so that one pass is enough
            if abs(x - curve.x[top]) < reach and abs(other - height) < _PEAK_HEIGHT:
                height = other + _PEAK_HEIGHT
        placed.append((float(curve.x[top]), height))
        figure.add_annotation(
            x=curve.x[top],
            y=curve.y[top],
            text=score(float(curve.y[top])),
            showarrow=False,
            yshift=height - point,
            bgcolor=translucent(PALETTES[theme].ground, 0.8),
            borderpad=0,
            font={"color": curve.colour, "size": 13},
        )


def _marks(curve: Curve, theme: Theme) -> dict[str, Any]:
    """Marks of one size, or with a ring at the peak."""
    if not curve.peak:
        return {"symbol": curve.symbol, "size": curve.size}
    is_peak = np.arange(len(curve.y)) == np.argmax(curve.y)
    return {
        "symbol": curve.symbol,
        "color": [PALETTES[theme].ground if peak else curve.colour for peak in is_peak],
        "size": [13 if peak else curve.size for peak in is_peak],
        "line": {"color": curve.colour, "width": [3 if peak else 0 for peak in is_peak]},
    }


def label_ends(
    figure: go.Figure,
    labels: Sequence[tuple[str, str, float]],
    gap: float,
    low: float,
    high: float,
    size: int = 14,
    **place: Any,
) -> None:
    """Names where the curves end, instead of a legend; pushed apart to `gap` where the ends meet, from `low` to `high`.

    labels: text, colour and height of each. place: where across, as plotly's annotations take it (x, xref, xshift).
    """
    heights = spread([height for _, _, height in labels], gap, low, high)
    for (text, colour, _), height in zip(labels, heights, strict=True):
        figure.add_annotation(
            y=height,
            text=text,
            xanchor="left",
            showarrow=False,
            font={"color": colour, "size": size},
            **{"xshift": 8, **place},
        )


def ends(curves: Sequence[Curve]) -> list[tuple[str, str, float]]:
    """What label_ends wants of curves: name, colour and last value; 0 for a curve without points."""
    return [(curve.name, curve.colour, float(curve.y[-1]) if len(curve.y) else 0.0) for curve in curves]
