"""What every figure shares: ground, type, axes. A figure is a pure function of a result and a theme."""

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import east_asian_width

import plotly.graph_objects as go

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.interface import separators
from neuronxa_core.numbers import signed

_MOST_TICKS = 8
NAME = "column name"
"""What the annotation of a column's name is called."""
_NAME_LINE, _HALF = 15, 3.7
"""Pixels of a line of column names, and of half a letter of one."""
FONT = '"Source Sans", "Source Sans 3", "Source Sans Pro", "Noto Sans", sans-serif'


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
    house = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": palette.ink},
        "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
        "hoverlabel": {
            "font": {"family": FONT, "size": 13, "color": palette.ink},  # else plotly takes the trace's own colour
            "bgcolor": palette.ground,
            "bordercolor": palette.muted,
        },
        "showlegend": False,
        "separators": separators(),
        "xaxis": axis,
        "yaxis": axis,
    }
    return go.Figure(layout={**house, "height": height, **layout})  # at once: update_layout takes ten times as long


def upright(figure: go.Figure, x: float, **line: Any) -> None:
    """A line from bottom to top at x; several times faster than add_vline."""
    figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, xref="x", yref="paper", line=line)


def level(figure: go.Figure, y: float, **line: Any) -> None:
    """A line from left to right at y; several times faster than add_hline."""
    figure.add_shape(type="line", x0=0, x1=1, y0=y, y1=y, xref="paper", yref="y", line=line)


def click_targets(**trace: Any) -> go.Scatter:
    """Points over the cells of a heatmap, whose own clicks do not reach Streamlit; the nearest one is hit.

    None of them is drawn (`maxdisplayed` leaves the first, which is transparent), so that ten thousand cost no time.
    They are small, because where cells are narrower than a point, several would be hit at once.
    """
    hidden = {"marker": {"opacity": 0.0}}
    marker = {"size": 4, "opacity": 0.0, "maxdisplayed": 1}
    return go.Scatter(
        **{"mode": "markers", "name": "cells", "marker": marker, "showlegend": False},
        **{"selected": hidden, "unselected": hidden},
        **trace,
    )


def cell_texts(rows: Sequence[Sequence[str]], letters: int, lines: int) -> list[list[str]]:
    """The texts of a heat map's cells, with at most so many letters in a line, and lines, and never with none."""
    shown = [[text.split("<br>")[: max(1, lines)] for text in row] for row in rows]
    fit = [[[line for line in text if "</" not in line or _letters(line) <= letters] for text in row] for row in shown]
    return [["<br>".join(_cut(line, max(1, letters)) for line in text) for text in row] for row in fit]


def _letters(line: str) -> int:
    return len(html.unescape(re.sub(r"<[^>]*>", "", line)))


def _cut(line: str, letters: int) -> str:
    """A line cut to so many letters, of which Chinese ones count twice; one with markup, which fits, stays as it is."""
    text = html.unescape(line)
    ends = [sum(1 + (east_asian_width(letter) in "WF") for letter in text[:end]) for end in range(1, len(text) + 1)]
    if "</" in line or not ends or ends[-1] <= letters:
        return line
    return html.escape(text[: max(1, sum(end <= letters - 1 for end in ends))], quote=False) + "…"


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


def hover(texts: Iterable[Any]) -> dict[str, Any]:
    """The hover text of every point, or of every cell in rows, with its numbers written by `numbers`.

    plotly's own formats have a hyphen for a minus and round to 0.00.
    """
    return {"hovertext": _unmarked(list(texts)), "hovertemplate": "%{hovertext}<extra></extra>"}


def _unmarked(told: Any) -> Any:
    """Texts, or rows of texts, in which plotly does not take `<0.01` for the beginning of a tag."""
    return [_unmarked(each) for each in told] if isinstance(told, list) else re.sub(r"<(?=[+\d])", "&lt;", told)


def tick_format(span: float) -> str:
    """d3's format for the ticks of an axis that spans so much, with as many digits as tell two ticks apart."""
    digits = max(1, math.ceil(-math.log10(span / _MOST_TICKS))) if span > 0 else 2
    return f".{digits}f"


def layer_step(layers: int) -> int:
    """Between two ticks of an axis of so many layers."""
    return 1 if layers <= 12 else 2 if layers <= 26 else 4 if layers <= 48 else 8


def count_ticks(most: float) -> dict[str, Any]:
    """Ticks of an axis or colour bar of counts from 0: whole numbers, each once, four or five of them at most."""
    return {"tickformat": "d", "dtick": None, "nticks": 5} if most > 4 else {"tickformat": "d", "dtick": 1}


def signed_ticks(low: float, high: float, most: int = 5, unit: float = 1.0) -> dict[str, list[Any]]:
    """Ticks of an axis of differences: round steps within its ends, `−0.1`, `0`, `+0.1`. unit: what a 1 stands for."""
    low, high = min(low, 0.0) / unit, max(high, 0.0) / unit
    rough = (high - low or 1.0) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * (1 - 1e-9))
    values = [place * step for place in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return {"tickvals": [value * unit for value in values], "ticktext": [signed(value, digits) for value in values]}


def tick(code: str, longest: int | None = None) -> str:
    """A language's name, cut to `longest` letters; long-tail languages in italics."""
    known = language(code)
    name = known.name if longest is None or len(known.name) <= longest else f"{known.name[: longest - 1].rstrip()}…"
    return name if known.head else f"<i>{name}</i>"


def short_codes(codes: Sequence[str]) -> list[str]:
    """`deu` for `deu_Latn`, unless two of the languages would share it."""
    short = [code[:3] for code in codes]
    return [code if short.count(part) > 1 else part for code, part in zip(codes, short, strict=True)]


def interval_bars(
    above: Sequence[float], below: Sequence[float], colour: str, thickness: float = 1.4
) -> dict[str, Any]:
    """`error_x` of intervals without caps. above, below: distances from the point to the ends of its interval."""
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "color": colour,
        "thickness": thickness,
        "width": 0,
    }


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """A name beside each row, the first one at the bottom, and no grid."""
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=list(names), range=[-0.7, len(names) - 0.3], showgrid=False, ticks=""
    )


def name_columns(
    figure: go.Figure,
    places: Sequence[float],
    names: Sequence[str],
    marked: Sequence[str] = (),
    room: int = 180,
    axis: str = "y",
) -> int:
    """Names every column, and returns the pixels that the names take below.

    places: of the columns on `x`. axis: the lowest one beside them. marked: the names as drawn, such as italics;
    without them, `names`. room: pixels of all columns where the figure is narrowest. As annotations, on as few lines in
    turn as that needs, since plotly drops tick labels where a column is narrower than its name.
    """
    lines = _lines_for([len(name) for name in names], room)
    figure.update_xaxes(tickvals=list(places), ticktext=list(names), showticklabels=False)
    for number, (place, text) in enumerate(zip(places, marked or names, strict=True)):
        shift = -2 - _NAME_LINE * (number % lines)
        where = {"yref": f"{axis} domain", "y": 0, "yanchor": "top", "yshift": shift, "name": NAME}
        figure.add_annotation(x=place, text=text, showarrow=False, font={"size": 12}, **where)
    return _NAME_LINE * lines + 4


def _lines_for(letters: Sequence[int], room: int) -> int:
    """The fewest lines, taken in turn, on which names of so many letters do not meet."""
    column = room / max(len(letters), 1)
    return next(
        lines
        for lines in range(1, len(letters) + 2)
        if all(lines * column >= _HALF * (one + two) for one, two in zip(letters, letters[lines:], strict=False))
    )


def colour_key(figure: go.Figure, parts: Sequence[tuple[str, str]], yshift: int = 24) -> None:
    """Which colour is which, above the rows. parts: colour and text."""
    figure.add_annotation(
        text="   ".join(f"<span style='color:{colour}'>{text}</span>" for colour, text in parts),
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        yshift=yshift,
        xanchor="left",
        showarrow=False,
        font={"size": 14},
    )


def score_bar(length: float, title: str = "", **more: Any) -> dict[str, Any]:
    """The colour bar of scores from 0 to 1, below the picture. length: as a share of its width.

    title: below the bar's numbers, since plotly sets one above a bar that is placed from the figure's edge too low.
    """
    named = {"title": {"text": title, "side": "bottom", "font": {"size": 12}}} if title else {}
    return {
        "orientation": "h",
        "thickness": 8,
        "len": length,
        "yref": "container",
        "y": 0.0,
        "yanchor": "bottom",
        "ypad": 2,
        "dtick": 0.2,
        "tickformat": ".1f",
        "outlinewidth": 0,
        **named,
        **more,
    }
