"""Several models or settings side by side: curves over relative depth, and the languages that gain."""

import html

import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.figures.curves import Curve, draw_curves
from neuronxa_core.figures.export import ExportableFigure, pair_name, shared_caption
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, STATE_NAMES, Theme, translucent
from neuronxa_core.figures.style import blank, hover, interval_bars, name_rows, signed_ticks, tick
from neuronxa_core.figures.wording import joined_names, ties
from neuronxa_core.numbers import CONFIDENCE, confidence, every, interval, score, signed
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import SUMMARY_NAMES
from neuronxa_core.study.study import Study

DEPTH_HEIGHT = 420
MOST_VARIANTS = 6
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MARKS = ("circle", "triangle-up", "square-open", "diamond-open", "x-thin-open", "star")


def depth_figure(curves: pd.DataFrame, state: State, theme: Theme = "light") -> go.Figure:
    """Score of one state, 0 to 1, over relative depth, a line per variant: in the state's colour, told apart by dashes.

    curves: as models.depth_curves gives it.
    """
    palette = PALETTES[theme]
    rows = curves[curves["state"] == state]
    names = list(dict.fromkeys(rows["variant"]))
    figure = blank(
        theme, DEPTH_HEIGHT, margin={"l": 8, "r": 12, "t": 12 + 19 * len(names), "b": 8}, hovermode="closest"
    )
    figure.update_xaxes(
        title_text="Depth (0 is the token embedding, 1 the last layer)", range=[-0.03, 1.03], tickformat=".1f"
    )
    figure.update_yaxes(
        title_text=f"{STATE_NAMES[state]} score of the layer at that depth",
        range=[-0.02, 1.04],
        tickformat=".1f",
        dtick=0.2,
    )
    curves = [
        _curve(rows[rows["variant"] == name], name, place, palette.states[state]) for place, name in enumerate(names)
    ]
    draw_curves(figure, curves, theme)
    figure.update_layout(
        showlegend=True,
        legend={
            "orientation": "v",
            "x": 0,
            "xanchor": "left",
            "y": 1.0,
            "yanchor": "bottom",
            "itemwidth": 40,
            "bgcolor": "rgba(0,0,0,0)",
        },
    )
    return figure


def _curve(rows: pd.DataFrame, name: str, place: int, colour: str) -> Curve:
    """The curve of a variant; place: which of them it is, for dashes, marks and strength of colour."""
    return Curve(
        name=name,
        colour=translucent(colour, 1 - 0.11 * place),
        x=rows["depth"].to_numpy(),
        y=rows["score"].to_numpy(),
        symbol=_MARKS[place % len(_MARKS)],
        dash=_DASHES[place % len(_DASHES)],
        more={
            "marker_line_width": 1.5,
            **hover(
                f"<b>{html.escape(name)}</b>, layer {row.layer}<br>score {score(row.score)}  "
                f"[{interval(row.ci_low, row.ci_high)}]"
                for row in rows.itertuples()
            ),
        },
    )


def difference_figure(table: pd.DataFrame, state: State, theme: Theme = "light") -> go.Figure:
    """What each language gains, with its 95 percent interval; the line is no gain. Long-tail languages in italics.

    table: as models.language_differences gives it.
    """
    palette, rows = PALETTES[theme], table.iloc[::-1].reset_index(drop=True)
    colour = palette.states[state]
    sure = (rows["ci_low"] > 0) | (rows["ci_high"] < 0)
    figure = blank(theme, 22 * len(rows) + 76, margin={"l": 8, "r": 12, "t": 12, "b": 8}, hovermode="closest")
    figure.add_trace(
        go.Scatter(
            x=rows["difference"],
            y=list(range(len(rows))),
            mode="markers",
            name="difference",
            marker={
                "color": [colour if each else palette.ground for each in sure],
                "size": 8,
                "line": {"color": colour, "width": 1.6},
            },
            error_x=interval_bars(rows["ci_high"] - rows["difference"], rows["difference"] - rows["ci_low"], colour),
            **hover(
                f"<b>{row['name']}</b><br>{score(row['score'])} against {score(row['reference'])}<br>difference "
                f"{signed(row['difference'])}  [{interval(row['ci_low'], row['ci_high'], signed)}]"
                for _, row in rows.iterrows()
            ),
        )
    )
    figure.add_vline(x=0, line={"color": palette.muted, "width": 1, "dash": "dot"})
    ticks = signed_ticks(rows["ci_low"].min(), rows["ci_high"].max(), most=4)
    figure.update_xaxes(title_text=f"Difference in {SCORE_NAMES[state]}", **ticks)
    name_rows(figure, [tick(code) for code in rows["language"]])
    return figure


def exportable_depth(study: Study, curves: pd.DataFrame, state: State) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.depth.{state}",
        f"{STATE_NAMES[state]} score over relative depth: {pair_name(study)}",
        "Share of sentence pairs that are each other's only nearest neighbour by cosine, one line per variant.",
        study.caption,
        lambda theme: depth_figure(curves, state, theme),
    )


def exportable_difference(
    study: Study, table: pd.DataFrame, state: State, variant: str, reference: str
) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.difference.{state}",
        f"{SCORE_NAMES[state]} by language: {variant} minus {reference}",
        f"Difference of the means over layers, with {CONFIDENCE} intervals (pairs resampled). Filled markers: the "
        "interval excludes 0.",
        shared_caption(study),
        lambda theme: difference_figure(table, state, theme),
    )


def comparison_finding(summary: pd.DataFrame, state: State) -> str:
    """Which variant aligns best on average over the languages. summary: as models.variant_summary gives it."""
    name, measure, values = SUMMARY_NAMES[state], SCORE_NAMES[state], summary[SUMMARY_NAMES[state]]
    best = [summary["variant"].iloc[place] for place in ties(values, values.max())]
    first = summary.loc[values.idxmax()]
    languages = int(first["languages"])
    over = f"over {languages} languages" if languages > 1 else "in this language"
    if len(best) == len(summary) > 1:
        return f"By {measure} {over}, {every(len(best), 'variants')} align equally well: {score(values.max())}."
    low, high = first[f"{name}_low"], first[f"{name}_high"]
    certain = "" if len(best) > 1 or pd.isna(low) else f" ({confidence(low, high, of='languages')})"
    others = [f"{row['variant']} {score(row[name])}" for _, row in summary.iterrows() if row["variant"] not in best]
    return (
        f"{joined_names(best)} {'aligns' if len(best) == 1 else 'align'} best by {measure} {over}: "
        f"{'; '.join([f'{score(values.max())}{certain}', *([', '.join(others)] if others else [])])}."
    )


def difference_finding(table: pd.DataFrame, variant: str, reference: str) -> str:
    """How many languages score higher and how many lower, and which changes most each way.

    table: as models.language_differences gives it.
    """
    gained, lost = int((table["ci_low"] > 0).sum()), int((table["ci_high"] < 0).sum())
    first, head = table.iloc[0], f"With {variant} instead of {reference}, "
    if len(table) == 1:
        apart = confidence(first["ci_low"], first["ci_high"], signed)
        return f"{head}the score of {first['name']} changes by {signed(first['difference'])} ({apart})."
    if not table["difference"].any():
        return f"{head}the scores of {every(len(table), 'languages')} stay the same."
    counted = "counting only intervals that exclude 0"
    if gained == lost == 0:
        return f"{head}no interval of the {len(table)} languages excludes 0. {_extremes(table)}"
    return f"{head}{gained} of {len(table)} languages score higher and {lost} lower, {counted}. {_extremes(table)}"


def _extremes(table: pd.DataFrame) -> str:
    """Both ends of the list: who gains most, and who loses most or gains least."""
    most, least = table["difference"].iloc[0], table["difference"].iloc[-1]
    names = [joined_names(list(table["name"].iloc[ties(table["difference"], end)])) for end in (most, least)]
    if most == least:
        return f"All change by the same: {signed(most)}."
    if most > 0 > least:
        return f"Highest gain: {names[0]} ({signed(most)}); largest loss: {names[1]} ({signed(least)})."
    if most <= 0:
        return f"No language gains; largest loss: {names[1]} ({signed(least)}), smallest: {names[0]} ({signed(most)})."
    return f"No language loses; highest gain: {names[0]} ({signed(most)}), smallest: {names[1]} ({signed(least)})."
