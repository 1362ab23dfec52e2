"""Two models language by language: NASCA on the left, tokens per English token on the right."""

import html
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.beside import Relation, relation_to_fertility
from neuronxa_core.figures.export import ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import blank, colour_key, hover, name_rows, tick
from neuronxa_core.numbers import CONFIDENCE, count, decimal, interval, percent, score
from neuronxa_core.study.study import Study

_SYMBOLS = ("circle", "circle-open")
_MARKS = ("●", "○")


def beside_figure(table: pd.DataFrame, names: Sequence[str], theme: Theme = "light") -> go.Figure:
    """A row per language, best NASCA of the first model on top: NASCA, 0 to 1, and fertility, on an axis of its own.

    table: as beside.beside_table gives it. names: of both models; the first is filled, the other open.
    """
    palette, rows = PALETTES[theme], table.iloc[::-1].reset_index(drop=True)
    figure = blank(theme, 22 * len(rows) + 120, margin={"l": 8, "r": 12, "t": 58, "b": 8}, hovermode="closest")
    for column, axis, colour, of in (
        ("nasca", "x", palette.states["nas"], "NASCA"),
        ("fertility", "x2", palette.muted, "Fertility"),
    ):
        for prefix, symbol, name in zip(("", "other_"), _SYMBOLS, names, strict=True):
            values = rows[f"{prefix}{column}"]
            form = score if column == "nasca" else decimal
            figure.add_trace(
                go.Scatter(
                    x=values,
                    y=list(range(len(rows))),
                    xaxis=axis,
                    mode="markers",
                    name=f"{of}, {name}",
                    marker={"color": colour, "symbol": symbol, "size": 8, "line": {"color": colour, "width": 1.6}},
                    **hover(
                        f"<b>{language}</b><br>{html.escape(name)}: {of} {form(value)}"
                        for language, value in zip(rows["name"], values, strict=True)
                    ),
                )
            )
    name_rows(figure, [tick(code) for code in rows["language"]])
    figure.update_layout(xaxis2=figure.layout.xaxis.to_plotly_json() | {"anchor": "y", "rangemode": "tozero"})
    figure.update_layout(xaxis={"domain": [0, 0.55], "title": {"text": "NASCA"}, "range": [-0.02, 1.0], "dtick": 0.5})
    figure.update_layout(xaxis2={"domain": [0.6, 1], "title": {"text": "Fertility"}})
    key = "<br>".join(f"{mark} {html.escape(name)}" for mark, name in zip(_MARKS, names, strict=True))
    colour_key(figure, [(palette.ink, key)], yshift=44)
    figure.update_annotations(align="left")
    return figure


def exportable_beside(study: Study, table: pd.DataFrame, names: Sequence[str]) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.beside",
        f"{names[0]} and {names[1]}, language by language",
        "NASCA is the mean score over the layers. Fertility is the number of tokens per English token on the same "
        "sentences. Long-tail languages are in italics.",
        shared_caption(study),
        lambda theme: beside_figure(table, names, theme),
    )


def beside_finding(table: pd.DataFrame, names: Sequence[str]) -> str:
    """How both models stand on average and where they differ most, and how much goes with fertility."""
    one, other = table["nasca"].mean(), table["other_nasca"].mean()
    ahead, most = int((table["difference"] > 0).sum()), table.loc[table["difference"].abs().idxmax()]
    told = (
        f"By NASCA, {names[0]} scores {score(one)} and {names[1]} {score(other)} on average over "
        f"{count(len(table), 'language')}; {names[0]} is ahead in {ahead} of them. They differ most in {most['name']} "
        f"({score(most['nasca'])} against {score(most['other_nasca'])})."
    )
    return f"{told} {fertility_sentence(relation_to_fertility(table), names)}"


def fertility_sentence(found: Relation, names: Sequence[str]) -> str:
    """How much of the difference between the languages goes with fertility, with the correlation and its interval."""
    if found.value != found.value:
        return "How much of that goes with fertility cannot be told from so few languages."
    return (
        f"{percent(found.value**2)} of the variance of that difference over the languages goes with how many more "
        f"tokens {names[1]} needs than {names[0]} (r {score(found.value)}, {CONFIDENCE} interval "
        f"{interval(found.low, found.high)}); this does not show that one causes the other."
    )
