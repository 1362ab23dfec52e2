"""Two models language by language: NASCA above, tokens per English token below."""

import html
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.beside import Relation, relation_to_fertility
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import blank, colour_key, hover, name_columns, short_codes
from neuronxa_core.numbers import CONFIDENCE, count, decimal, interval, percent, score
from neuronxa_core.study.study import Study

_HEIGHT = 365
_SYMBOLS = ("circle", "circle-open")
_MARKS = ("●", "○")


def beside_figure(table: pd.DataFrame, names: Sequence[str], theme: Theme = "light") -> go.Figure:
    """A column per language, best NASCA of the first model on the left: NASCA, 0 to 1, and below it fertility.

    table: as beside.beside_table gives it. names: of both models; the first is filled, the other open.
    """
    palette = PALETTES[theme]
    figure = blank(theme, _HEIGHT, margin={"l": 8, "r": 12, "t": 58, "b": 8}, hovermode="closest")
    for column, axis, colour, of in (
        ("nasca", "y", palette.states["nas"], "NASCA"),
        ("fertility", "y2", palette.muted, "Fertility"),
    ):
        figure.add_trace(_apart(table[column], table[f"other_{column}"], axis, palette.grid))
        for prefix, symbol, name in zip(("", "other_"), _SYMBOLS, names, strict=True):
            values = table[f"{prefix}{column}"]
            form = score if column == "nasca" else decimal
            figure.add_trace(
                go.Scatter(
                    x=list(range(len(table))),
                    y=values,
                    yaxis=axis,
                    mode="markers",
                    name=f"{of}, {name}",
                    marker={"color": colour, "symbol": symbol, "size": 8, "line": {"color": colour, "width": 1.6}},
                    **hover(
                        f"<b>{known}</b><br>{html.escape(name)}: {of} {form(value)}"
                        for known, value in zip(table["name"], values, strict=True)
                    ),
                )
            )
    second = figure.layout.yaxis.to_plotly_json() | {"anchor": "x", "rangemode": "tozero", "nticks": 4}
    figure.update_layout(yaxis2=second | {"domain": [0, 0.3]}, yaxis2_title_text="Fertility")
    figure.update_layout(yaxis={"domain": [0.38, 1], "title": {"text": "NASCA"}, "range": [-0.05, 1.0], "dtick": 0.5})
    figure.update_xaxes(
        range=[-0.7, len(table) - 0.3],
        showgrid=False,
        ticks="",
        anchor="y2",
    )
    codes = list(table["language"])
    short = short_codes(codes)
    italic = [name if language(code).head else f"<i>{name}</i>" for code, name in zip(codes, short, strict=True)]
    figure.update_layout(
        margin_b=10 + name_columns(figure, list(range(len(codes))), short, italic, room=280, axis="y2")
    )
    key = "<br>".join(f"{mark} {html.escape(name)}" for mark, name in zip(_MARKS, names, strict=True))
    colour_key(figure, [(palette.ink, key)], yshift=44)
    figure.update_annotations(align="left")
    return figure


def _apart(one: pd.Series, other: pd.Series, axis: str, colour: str) -> go.Scatter:
    """A line between both models in each language."""
    x = [place for number in range(len(one)) for place in (number, number, None)]
    y = [value for ends in zip(one, other, strict=True) for value in (*ends, None)]
    return go.Scatter(
        x=x, y=y, yaxis=axis, mode="lines", line={"color": colour, "width": 2}, name="difference", hoverinfo="skip"
    )


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
