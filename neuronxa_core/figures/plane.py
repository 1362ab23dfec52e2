"""Alignment against separability: one point per layer, and a path through the layers for each state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.space import HIGH, LOW
from neuronxa_core.figures.export import ExportableFigure, pair_name
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, translucent
from neuronxa_core.figures.style import blank, colour_key, hover, interval_bars
from neuronxa_core.figures.wording import share_confidence
from neuronxa_core.numbers import CONFIDENCE, confidence, decimal, percent, score
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.study import Study

Axis = Literal["discriminability", "separability"]
AXES: tuple[Axis, ...] = get_args(Axis)
AXIS_NAMES: dict[Axis, str] = {"discriminability": "Distance, d′", "separability": "Share told apart"}
HEIGHT = 460
_TITLES: dict[Axis, str] = {
    "discriminability": "Separability: standard deviations<br>between the languages (d′)",
    "separability": "Separability:<br>share of sentences told apart",
}
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
_NARROW, _LETTER, _LINE = 280, 8, 17
"""Width of the plot on a phone, and of a digit and a line of a label: there no label lies over another."""
_AROUND = ((0, 15), (0, -15), (15, 0), (-15, 0), (13, 13), (-13, 13), (13, -13), (-13, -13), (0, 30), (0, -30))
"""Where a label may stand, in pixels from its point, best first."""


def alignment_plane(table: pd.DataFrame, axis: Axis = "discriminability", theme: Theme = "light") -> go.Figure:
    """Score of each layer, 0 to 1, against its separability; a path per state from its hollow first layer.

    table: as space.beside_alignment gives it. Numbers are layers: the first, the best aligned (largest) and the last,
    which also have their intervals. d′ is on a logarithmic axis unless it reaches 0.
    """
    figure = blank(theme, HEIGHT, margin={"l": 8, "r": 16, "t": 44, "b": 8}, hovermode="closest")
    shown = table[np.isfinite(table[axis])]
    span = _span(figure, shown[axis], axis)
    palette, labels = PALETTES[theme], []
    for state in STATES:
        rows = shown[shown["state"] == state]
        if len(rows):
            marked = _marked(rows)
            _draw_path(figure, rows, axis, state, marked, theme)
            labels += [
                _Label(str(rows["layer"].iloc[at]), palette.states[state], *_place(rows, axis, at)) for at in marked
            ]
    figure.update_yaxes(title_text="Alignment: aligned pairs, as a share of all", range=[-0.04, 1.06], dtick=0.2)
    figure.update_yaxes(tickformat=".1f")
    _label(figure, labels, span, np.column_stack([shown[axis], shown["score"]]))
    colour_key(figure, [(palette.states[state], f"<b>{STATE_NAMES[state]}</b>") for state in STATES])
    return figure


def _span(figure: go.Figure, values: pd.Series, axis: Axis) -> tuple[float, float, bool]:
    """The ends of the separability axis, which it sets, and whether it is logarithmic."""
    if axis == "separability":
        low = min(0.45, float(values.min()) - 0.05) if len(values) else 0.45
        figure.update_xaxes(title_text=_TITLES[axis], range=[low, 1.03], tickformat=".1f", dtick=0.1)
        return low, 1.03, False
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if low <= 0:
        low, high = low - 0.05 * (high - low + 1), high + 0.05 * (high - low + 1)
        figure.update_xaxes(title_text=_TITLES[axis], range=[low, high])
        return low, high, False
    low, high = low / 1.3, high * 1.3
    ticks = [each for each in _TICKS if low <= each <= high]
    figure.update_xaxes(
        title_text=f"{_TITLES[axis]}, logarithmic", type="log", range=[np.log10(low), np.log10(high)], tickvals=ticks
    )
    return low, high, True


def _marked(rows: pd.DataFrame) -> list[int]:
    """The rows that carry their layer's number: the best aligned, the last and the first, without repetition."""
    return list(dict.fromkeys((int(np.argmax(rows["score"])), len(rows) - 1, 0)))


def _place(rows: pd.DataFrame, axis: Axis, at: int) -> tuple[float, float]:
    return float(rows[axis].iloc[at]), float(rows["score"].iloc[at])


def _draw_path(
    figure: go.Figure, rows: pd.DataFrame, axis: Axis, state: State, marked: Sequence[int], theme: Theme
) -> None:
    palette, colour, places = PALETTES[theme], PALETTES[theme].states[state], np.arange(len(rows))
    named = rows.iloc[sorted(marked)]
    ends = [f"{axis}{LOW}", f"{axis}{HIGH}"]
    if set(ends) <= set(rows):
        sides = {"x": (named[axis], *(named[end] for end in ends))}
        sides["y"] = (named["score"], named["ci_low"], named["ci_high"])
        bars = {
            f"error_{side}": interval_bars(high - value, value - low, translucent(colour, 0.55), 1.1)
            for side, (value, low, high) in sides.items()
        }
        figure.add_trace(
            go.Scatter(
                x=named[axis],
                y=named["score"],
                mode="markers",
                marker={"size": 0.1, "color": colour},
                hoverinfo="skip",
                name=f"{STATE_NAMES[state]} intervals",
                **bars,
            )
        )
    figure.add_trace(
        go.Scatter(
            x=rows[axis],
            y=rows["score"],
            mode="lines+markers",
            name=STATE_NAMES[state],
            line={"color": translucent(colour, 0.6), "width": 1.6},
            marker={
                "symbol": SYMBOLS[state],
                "color": [palette.ground if place == 0 else colour for place in places],
                "size": [13 if place == marked[0] else 9 if place in marked else 5 for place in places],
                "line": {"color": colour, "width": 1.8},
                "opacity": 1,
            },
            **hover(
                f"<b>{STATE_NAMES[state]}, layer {row.layer}</b><br>aligned {score(row.score)}<br>told apart "
                f"{score(row.separability)}, d′ {decimal(row.discriminability, 1)}"
                for row in rows.itertuples()
            ),
        )
    )


@dataclass(frozen=True)
class _Label:
    """The number of a layer, and where its point is, in the units of the axes."""

    text: str
    colour: str
    x: float
    y: float


def _label(
    figure: go.Figure, labels: Sequence[_Label], span: tuple[float, float, bool], points: NDArray[np.float64]
) -> None:
    """Writes the labels where they lie over no other, best aligned layers first, and over as few points as can be.

    One that finds no place is left out.
    """
    low, high, logarithmic = span
    scale = np.log10 if logarithmic else np.asarray
    room = HEIGHT - 110

    def pixels(x: float | NDArray[np.float64], y: float | NDArray[np.float64]) -> NDArray[np.float64]:
        across = (scale(x) - scale(low)) / (scale(high) - scale(low)) * _NARROW
        return np.stack([across, (np.asarray(y) + 0.04) / 1.1 * room], axis=-1)

    every = pixels(points[:, 0], points[:, 1])
    taken: list[NDArray[np.float64]] = []
    for label in sorted(labels, key=lambda label: -label.y):
        size = np.array([_LETTER * len(label.text) + 4, _LINE])
        at = pixels(label.x, label.y)
        free = [
            (int((np.abs(every - at - shift) < size / 2 + 3).all(axis=1).sum()), order, shift)
            for order, shift in enumerate(np.array(_AROUND, dtype=float))
            if _fits(at + shift, size, room) and not any(_meet(at + shift, size, other) for other in taken)
        ]
        if not free:
            continue
        shift = min(free, key=lambda each: each[:2])[2]
        taken.append(np.stack([at + shift, size]))
        figure.add_annotation(
            x=scale(label.x),
            y=label.y,
            text=f"<b>{label.text}</b>",
            showarrow=False,
            xshift=shift[0],
            yshift=shift[1],
            font={"color": label.colour, "size": 13},
        )


def _fits(centre: NDArray[np.float64], size: NDArray[np.float64], room: float) -> bool:
    return bool((centre - size / 2 >= 0).all() and (centre + size / 2 <= (_NARROW, room)).all())


def _meet(centre: NDArray[np.float64], size: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool((np.abs(centre - other[0]) < (size + other[1]) / 2).all())


def exportable_plane(study: Study, table: pd.DataFrame, axis: Axis = "discriminability") -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.plane.{axis}",
        f"Alignment against separability: {pair_name(study)}",
        "One point per layer; numbers name the first layer (hollow), the best aligned one (largest) and the last, with "
        f"their {CONFIDENCE} intervals over pairs. Up: better aligned; right: easier for a linear classifier to tell "
        "the languages apart.",
        study.caption,
        lambda theme: alignment_plane(table, axis, theme),
    )


def plane_finding(table: pd.DataFrame, pairs: int) -> str:
    """How well the best aligned layer of the neuron states tells the languages apart, and which layer does least."""
    rows = table[table["state"] == "nas"].reset_index(drop=True)
    best = rows.loc[rows["score"].idxmax()]
    aligned = share_confidence(best["score"], best["ci_low"], best["ci_high"], pairs)
    low, high = best[f"separability{LOW}"], best[f"separability{HIGH}"]
    told = f"{percent(best['separability'])} of the sentences"
    text = (
        f"At layer {best['layer']:.0f}, where NAS aligns most ({score(best['score'])}; {aligned}), a linear classifier "
        f"tells the language of {told} ({confidence(low, high)})."
    )
    known = rows[rows["discriminability"].notna()]
    if known.empty:
        return text
    least, last = known.loc[known["discriminability"].idxmin()], known.iloc[-1]
    return (
        f"{text} The languages are least apart at layer {least['layer']:.0f}, by {_deviations(least)}, and by "
        f"{decimal(known['discriminability'].iloc[0], 1)} at layer {known['layer'].iloc[0]:.0f} and "
        f"{decimal(last['discriminability'], 1)} at layer {last['layer']:.0f}."
    )


def _deviations(row: pd.Series) -> str:
    """d′ with its interval."""
    low, high = row[f"discriminability{LOW}"], row[f"discriminability{HIGH}"]
    return f"{decimal(row['discriminability'], 1)} standard deviations ({confidence(low, high, _tenth)})"


def _tenth(value: float) -> str:
    return decimal(value, 1)
