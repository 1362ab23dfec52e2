"""A figure for a room: every text at least 24 pixels, as large as the screen, and no more names than fit."""

import json
import re
from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go
import pytest

from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.stage import SMALLEST, places_of, staged
from neuronxa_core.figures.style import blank
from tests.figures.examples import EXAMPLES


def sizes(part: Any, inside: str = "") -> Iterator[float]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "size" and inside.endswith("font"):
                yield value
            yield from sizes(value, name)
    elif isinstance(part, list):
        for each in part:
            yield from sizes(each, inside)


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_text_of_any_figure_is_smaller_than_24_pixels(name: str):
    exportable = EXAMPLES[name]().exportable
    drawn = json.loads(staged(exportable).to_json())
    drawn["layout"].pop("template", None)
    found = [*sizes(drawn), *map(float, re.findall(r"font-size:\s*([\d.]+)px", json.dumps(drawn)))]
    assert drawn["layout"]["font"]["size"] >= SMALLEST
    assert min(found) >= SMALLEST
    assert "height" not in drawn["layout"]


def test_lines_markers_and_margins_grow_and_counts_do_not():
    def draw(theme: str) -> go.Figure:
        figure = blank("light", 300, margin={"l": 10, "r": 20, "t": 30, "b": 40})
        figure.add_scatter(x=[1, 2], y=[3, 4], marker={"size": 5, "maxdisplayed": 2}, line={"width": 2})
        figure.add_annotation(text="<span style='font-size:11px'>a</span>", font={"size": 20}, yshift=10, x=1, y=3)
        return figure

    figure = staged(ExportableFigure("a", "A", "", "", draw))
    trace, note = figure.data[0], figure.layout.annotations[0]
    assert (trace.marker.size, trace.marker.maxdisplayed, trace.line.width) == (9, 2, 3.6)
    assert (note.font.size, note.yshift, note.x) == (36, 18, 1)
    assert note.text == "<span style='font-size:24px'>a</span>"
    assert figure.layout.margin.to_plotly_json() == {"l": 18, "r": 36, "t": 54, "b": 72}


def test_of_more_names_than_fit_every_second_stands():
    def draw(theme: str) -> go.Figure:
        names = [f"name {number}" for number in range(31)]
        return blank("light", 300).update_yaxes(tickvals=list(range(31)), ticktext=names)

    axis = staged(ExportableFigure("a", "A", "", "", draw)).layout.yaxis
    assert list(axis.ticktext) == [f"name {number}" for number in range(0, 31, 2)]
    assert list(axis.tickvals) == list(range(0, 31, 2))


def test_words_in_cells_are_cut_to_the_cells_of_the_screen():
    rows = [["Wasser", "&lt;h5>", "お知らせ", "екст<br><span style='font-size:12px'>Cyrillic</span>"] * 4] * 18

    def draw(theme: str) -> go.Figure:
        return blank("light", 300).add_heatmap(z=[[0.5] * 16] * 18, text=rows, texttemplate="%{text}")

    shown = staged(ExportableFigure("a", "A", "", "", draw)).data[0].text
    assert list(shown[0][:4]) == ["Wass…", "&lt;h5>", "お知…", "екст"]  # five letters in each of 16 columns
    few = [row[:4] for row in rows[:4]]
    rows[:] = few
    assert "font-size:24px'>Cyrillic" in staged(ExportableFigure("a", "A", "", "", draw)).data[0].text[0][3]


def test_a_chosen_language_is_framed_in_its_row_and_its_column_however_it_is_named():
    def draw(theme: str) -> go.Figure:
        figure = blank("light", 300).update_yaxes(tickvals=[0, 1], ticktext=["German", "<i>Modern Standard A…</i>"])
        return figure.update_xaxes(tickvals=[5, 6], ticktext=["deu", "arb"])

    exportable = ExportableFigure("a", "A", "", "", draw)
    assert places_of(draw("light"), "arb_Arab") == [("x", 6.0), ("y", 1.0)]
    assert places_of(draw("light"), "fra_Latn") == []
    column, row = staged(exportable, marked="arb_Arab").layout.shapes
    assert (column.x0, column.x1, column.xref, column.yref, column.y1) == (5.5, 6.5, "x", "paper", 1)
    assert (row.y0, row.y1, row.yref, row.xref) == (0.5, 1.5, "y", "paper")
    assert staged(exportable).layout.shapes == ()
