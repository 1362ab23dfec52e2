"""The pivot's share and the overtaking layer of every target language, beside NASCA."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.latent_languages import LatentAnswers
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import blank, hover, interval_bars, name_rows, tick
from neuronxa_core.metrics.correlation import spearman
from neuronxa_core.numbers import CONFIDENCE, count, interval, score

_ROW = 22
_PANELS = (("pivot_share", "Pivot's share"), ("overtaking", "Overtaking layer"), ("nasca", "NASCA with the pivot"))


def targets_figure(table: pd.DataFrame, layers: int, theme: Theme = "light") -> go.Figure:
    """One row per target, the pivot's largest share on top: share and overtaking layer with intervals, and NASCA.

    table: as LatentAnswers.table gives it. A target that never overtakes has no point in the middle panel.
    """
    palette = PALETTES[theme]
    rows = table.sort_values("pivot_share", ignore_index=True)
    with_nasca = bool(rows["nasca"].notna().any())
    panels = _PANELS if with_nasca else _PANELS[:2]
    figure = blank(theme, _ROW * len(rows) + 106, margin={"l": 8, "r": 12, "t": 8, "b": 8})
    colours = (palette.ink, palette.languages[1], palette.states["nas"])
    width = 1 / len(panels)
    for number, ((name, title), colour) in enumerate(zip(panels, colours, strict=False)):
        axis = "x" if number == 0 else f"x{number + 1}"
        figure.add_trace(_dots(rows, name, title, colour, axis))
        layout = {
            "domain": [number * width + (0.02 if number else 0), (number + 1) * width - 0.02],
            "range": [0.5, layers + 0.9] if name == "overtaking" else [-0.03, 1.03],
            "title": {"text": title.replace(" ", "<br>", 1), "font": {"size": 12}},
            "dtick": None if name == "overtaking" else 0.5,
            "tickformat": "d" if name == "overtaking" else ".1f",
            "anchor": "y",
        }
        base = figure.layout.xaxis.to_plotly_json()
        figure.update_layout({"xaxis" if number == 0 else f"xaxis{number + 1}": {**base, **layout}})
    name_rows(figure, [tick(code) for code in rows["language"]])
    figure.update_yaxes(showgrid=True)
    return figure


def _dots(rows: pd.DataFrame, name: str, title: str, colour: str, axis: str) -> go.Scatter:
    values = rows[name].to_numpy(float)
    bars, ends = {}, np.full((len(rows), 2), np.nan)
    if f"{name}_low" in rows:
        ends = rows[[f"{name}_low", f"{name}_high"]].to_numpy(float)
        high = np.where(np.isnan(ends[:, 1]), values, ends[:, 1])
        bars = {"error_x": interval_bars(list(high - values), list(values - ends[:, 0]), colour)}
    told = [
        f"<b>{language(code).name}</b><br>{title} {_said(name, value)}{_between(name, *pair) if bars else ''}"
        for code, value, pair in zip(rows["language"], values, ends, strict=True)
    ]
    return go.Scatter(
        x=values,
        y=list(range(len(rows))),
        xaxis=axis,
        mode="markers",
        name=title,
        marker={"color": colour, "size": 8, "symbol": "circle" if name == "nasca" else "square"},
        **hover(told),
        **bars,
    )


def _said(name: str, value: float) -> str:
    return f"{value:.0f}" if name == "overtaking" and not np.isnan(value) else score(value)


def _between(name: str, low: float, high: float) -> str:
    if name == "overtaking" and not np.isnan(low):
        return f" [{low:.0f} to {'never' if np.isnan(high) else f'{high:.0f}'}]"
    return f" [{interval(low, high)}]"


def exportable_across(answers: LatentAnswers, table: pd.DataFrame) -> ExportableFigure:
    first = answers.answers[0]
    pivot = language(first.request.pivot).name
    return ExportableFigure(
        f"{first.stem}.targets",
        f"{pivot} on the way from {language(first.study.source).name} to every language",
        f"Share of {pivot} in the probability that {pivot} and the target have together above their baselines, over "
        f"all layers; the layer from which on the target stays ahead. {CONFIDENCE} intervals, words "
        "resampled. Right: NASCA of target and pivot.",
        first.caption,
        lambda theme: targets_figure(table, first.layers, theme),
    )


def across_finding(answers: LatentAnswers, table: pd.DataFrame) -> str:
    """Which targets go by way of the pivot most and least, and whether that goes with alignment."""
    pivot = language(answers.answers[0].request.pivot).name
    ordered = table.dropna(subset="pivot_share").sort_values("pivot_share")
    if ordered.empty:
        return f"Neither {pivot} nor any target has probability above its baseline."
    least, most = ordered.iloc[0], ordered.iloc[-1]
    known = f"{language(most['language']).name} goes by way of {pivot}"
    text = (
        f"{known}: {pivot}'s share is {score(most['pivot_share'])}."
        if len(ordered) == 1
        else f"All {len(ordered)} target languages go by way of {pivot} alike ({pivot}'s share "
        f"{score(most['pivot_share'])})."
        if most["pivot_share"] - least["pivot_share"] < 1e-9
        else f"Of {count(len(table), 'target language')}, {known} most "
        f"({pivot}'s share {score(most['pivot_share'])}), {language(least['language']).name} least "
        f"({score(least['pivot_share'])})."
    )
    late = int(table["overtaking"].isna().sum())
    if late:
        text += f" {count(late, 'target')} never overtake{'s' * (late == 1)} {pivot}."
    both = ordered.dropna(subset="nasca")
    if len(both) > 2 and both["pivot_share"].nunique() > 1 < both["nasca"].nunique():
        related = float(spearman(both["pivot_share"].to_numpy(), both["nasca"].to_numpy()))
        text += f" Over {len(both)} languages, the share and NASCA have a rank correlation of {score(related)}."
    return text
