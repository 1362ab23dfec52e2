"""A figure for a room: as large as the screen, its text to be read from the last row."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import ExportableFigure, standing
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import cell_texts

SMALLEST = 24
"""Pixels of the smallest text."""
_LARGER = 1.8
_MOST_NAMES = {"x": 30, "y": 18}
"""Names beside an axis for which a screen of 1280 x 720 has room at that size."""
_SCALED = {"xshift", "yshift", "thickness", "standoff", "ticklen", "ax", "ay"}
_SCREEN, _LETTER, _LINE = (1100, 430), 13, 30
"""Pixels for the cells of a heat map, of a letter, and of a line of text at that size."""
_TAG = re.compile(r"<[^>]+>")
_SIZE = re.compile(r"font-size:\s*([\d.]+)px")


def staged(exportable: ExportableFigure, theme: Theme = "light", marked: str = "") -> go.Figure:
    """The figure without a size of its own, no text smaller than 24 pixels, lines and markers larger in proportion.

    Where an axis has more names than fit at that size, every second or third stands. marked: a language whose row and
    column are framed.
    """
    figure = standing(exportable, theme)
    for axis, place in places_of(figure, marked) if marked else ():
        _frame(figure, axis, place, PALETTES[theme].ink)
    content = _enlarged(figure.to_dict())
    layout = content["layout"]
    for name in ("height", "width"):
        layout.pop(name, None)
    layout["font"] = {**layout.get("font", {}), "size": max(SMALLEST, layout.get("font", {}).get("size", 0))}
    layout["margin"] = {side: value * _LARGER for side, value in layout.get("margin", {}).items()}
    for name, axis in layout.items():
        if name[1:5] == "axis" and axis.get("ticktext") is not None:
            every = -(-len(axis["ticktext"]) // _MOST_NAMES[name[0]])
            axis |= {part: list(axis[part])[::every] for part in ("tickvals", "ticktext")}
    for trace in content["data"]:
        if trace["type"] == "heatmap" and trace.get("texttemplate"):
            trace["text"] = _cells(trace["text"])
    return go.Figure({**content, "layout": {**layout, "autosize": True, "hovermode": False}})


def places_of(figure: go.Figure, code: str) -> list[tuple[str, float]]:
    """Where the figure's axes name a language: `x` or `y`, and the place. Names may be cut, or its short code."""
    named = [
        (side, axis.tickvals, axis.ticktext) for side, axis in (("x", figure.layout.xaxis), ("y", figure.layout.yaxis))
    ]
    return [
        (side, float(place))
        for side, places, texts in named
        for place, text in zip(() if places is None else places, () if texts is None else texts, strict=False)
        if _names(_TAG.sub("", str(text)), code)
    ]


def _names(text: str, code: str) -> bool:
    name = language(code).name
    return text in (name, code, code[:3]) or (text.endswith("…") and len(text) > 3 and name.startswith(text[:-1]))


def _frame(figure: go.Figure, side: str, place: float, colour: str) -> None:
    """A frame around the row, or the column, at a place, from one end of the picture to the other."""
    across = "x" if side == "y" else "y"
    ends = {f"{side}0": place - 0.5, f"{side}1": place + 0.5, f"{across}0": 0, f"{across}1": 1}
    figure.add_shape(
        type="rect", **ends, **{f"{side}ref": side, f"{across}ref": "paper"}, line={"color": colour, "width": 2}
    )


def _cells(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The texts of a heat map's cells, each with as many lines and letters as its cell has room for."""
    return cell_texts(rows, _SCREEN[0] // len(rows[0]) // _LETTER, _SCREEN[1] // len(rows) // _LINE)


def _enlarged(part: Any, inside: str = "") -> Any:
    """A part of a figure's dict. inside: the name under which it stands."""
    if isinstance(part, Mapping):
        return {name: _sized(name, _enlarged(value, name), inside) for name, value in part.items()}
    if isinstance(part, list | tuple) and part and isinstance(part[0], Mapping | list | tuple | str):
        return [_enlarged(each, inside) for each in part]
    return _SIZE.sub(_size, part) if isinstance(part, str) else part


def _sized(name: str, value: Any, inside: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if name == "size" and inside.endswith("font"):
        return max(SMALLEST, value * _LARGER)
    if (inside, name) in {("marker", "size"), ("line", "width")} or name in _SCALED:
        return value * _LARGER
    return value


def _size(found: re.Match[str]) -> str:
    return f"font-size:{max(SMALLEST, float(found[1]) * _LARGER):g}px"
