"""What a figure draws, as a table: one row for each point, bar or cell, in the words of its axes."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

_NUMBER = re.compile(r"[−+]?[\d.,]+")
_TAG = re.compile(r"<[^>]+>")
_SKIPPED = ("cells", "numbers")
"""Traces that carry clicks or texts over others."""


def drawn_values(figure: go.Figure) -> pd.DataFrame:
    """The values in the figure: series, place across, place up, for a heat map its value, for intervals both ends.

    Columns bear the titles of the axes, and places the names beside the axis. Bands are left out.
    """
    rows = [row for trace in figure.data for row in _rows(figure, trace)]
    table = pd.DataFrame(rows)
    across, up = _title(figure.layout.xaxis, "Across"), _title(figure.layout.yaxis, "Up")
    names = {"series": "Series", "value": "Value", "low": "From", "high": "To"}
    table = table.rename(columns=names | {"x": across, "y": up if up != across else f"{up}, up"})
    return table.loc[:, table.notna().any()]


def _rows(figure: go.Figure, trace: Any) -> Iterator[dict[str, Any]]:
    name = _plain(trace.name or "")
    if name in _SKIPPED or trace.type not in ("scatter", "scattergl", "bar", "heatmap"):
        return
    names = [_names(figure, trace[f"{side}axis"], side) for side in "xy"]
    if trace.type == "heatmap":
        cells = np.asarray(trace.z)
        across, up = (
            range(size) if given is None else given
            for given, size in ((trace.x, cells.shape[1]), (trace.y, cells.shape[0]))
        )
        for row, y in zip(cells, up, strict=True):
            for value, x in zip(row, across, strict=True):
                yield {"series": name, "x": names[0](x), "y": names[1](y), "value": value}
        return
    if trace.x is None or trace.y is None or name.endswith("interval"):
        return
    bars = next((bar for bar in (trace.error_x, trace.error_y) if bar.array is not None), None)
    middle = trace.x if trace.error_x.array is not None else trace.y
    for place, (x, y) in enumerate(zip(trace.x, trace.y, strict=True)):
        ends = {}
        if bars is not None:
            below = bars.arrayminus if bars.arrayminus is not None else bars.array
            ends = {"low": middle[place] - below[place], "high": middle[place] + bars.array[place]}
        if x is not None and y is not None:
            yield {"series": name, "x": names[0](x), "y": names[1](y), **ends}


def _names(figure: go.Figure, anchor: str | None, side: str) -> Any:
    """A function from a place on an axis to the name that stands there, or the nearest one of its rows, else itself."""
    axis = figure.layout[f"{side}axis{(anchor or side)[1:]}"]
    values, texts = axis.tickvals, axis.ticktext
    known = [
        (float(at), _plain(str(text)))
        for at, text in zip(values if values is not None else (), texts if texts is not None else (), strict=False)
    ]
    if all(_NUMBER.fullmatch(text) for _, text in known):
        return lambda place: place
    reach = 0.5 if len(known) < 2 or known[1][0] - known[0][0] >= 1 else 1e-9  # a dot may stand off its row's middle

    def named(place: Any) -> Any:
        if isinstance(place, str):
            return place
        value, text = min(known, key=lambda each: abs(each[0] - float(place)))
        return text if abs(value - float(place)) < reach else place

    return named


def _title(axis: Any, usual: str) -> str:
    return _plain(axis.title.text or "") or usual


def _plain(text: str) -> str:
    return _TAG.sub("", text.replace("<br>", " ")).strip()
