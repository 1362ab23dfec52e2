"""Several models or settings side by side: curves over relative depth, and the languages that gain."""

import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.figures.curves import Curve, draw_curves
from neuronxa_core.figures.export import ExportableFigure, pair_name, shared_caption
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, Theme, translucent
from neuronxa_core.figures.style import blank, interval_bars, name_rows, tick
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
        title_text=f"{SCORE_NAMES[state]} at that depth", range=[-0.02, 1.04], tickformat=".1f", dtick=0.2
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
    interval = "[%{customdata[1]:.2f}, %{customdata[2]:.2f}]"
    hover = f"<b>%{{fullData.name}}</b>, layer %{{customdata[0]}}<br>score %{{y:.2f}}  {interval}"
    return Curve(
        name=name,
        colour=translucent(colour, 1 - 0.11 * place),
        x=rows["depth"].to_numpy(),
        y=rows["score"].to_numpy(),
        symbol=_MARKS[place % len(_MARKS)],
        dash=_DASHES[place % len(_DASHES)],
        more={
            "marker_line_width": 1.5,
            "customdata": rows[["layer", "ci_low", "ci_high"]].to_numpy(),
            "hovertemplate": f"{hover}<extra></extra>",
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
            customdata=rows[["name", "score", "reference", "ci_low", "ci_high"]].to_numpy(),
            hovertemplate=(
                "<b>%{customdata[0]}</b><br>%{customdata[1]:.2f} against %{customdata[2]:.2f}<br>difference %{x:+.2f}  "
                "[%{customdata[3]:+.2f}, %{customdata[4]:+.2f}]<extra></extra>"
            ),
        )
    )
    figure.add_vline(x=0, line={"color": palette.muted, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text=f"Difference in {SCORE_NAMES[state]}", tickformat="+.2f")
    name_rows(figure, [tick(code) for code in rows["language"]])
    return figure


def exportable_depth(study: Study, curves: pd.DataFrame, state: State) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.depth.{state}",
        f"{SCORE_NAMES[state]} over relative depth: {pair_name(study)}",
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
        "Difference of the means over layers, with 95 % intervals (pairs resampled). Filled markers: the interval "
        "excludes 0.",
        shared_caption(study),
        lambda theme: difference_figure(table, state, theme),
    )


def comparison_finding(summary: pd.DataFrame, state: State) -> str:
    """Which variant aligns best on average over the languages. summary: as models.variant_summary gives it."""
    name = SUMMARY_NAMES[state]
    best = summary.loc[summary[name].idxmax()]
    languages = int(best["languages"])
    over = f"over {languages} languages" if languages > 1 else "in this language"
    interval = "" if pd.isna(best[f"{name}_low"]) else f" [{best[f'{name}_low']:.2f}, {best[f'{name}_high']:.2f}]"
    others = ", ".join(
        f"{row['variant']} {row[name]:.2f}" for _, row in summary.iterrows() if row["variant"] != best["variant"]
    )
    return f"{best['variant']} aligns best by {SCORE_NAMES[state]} {over}: {best[name]:.2f}{interval}; {others}."


def difference_finding(table: pd.DataFrame, variant: str, reference: str) -> str:
    """How many languages gain and how many lose, and which gains most.

    table: as models.language_differences gives it.
    """
    gained, lost = int((table["ci_low"] > 0).sum()), int((table["ci_high"] < 0).sum())
    first, last = table.iloc[0], table.iloc[-1]
    if len(table) == 1:
        apart = f"{first['difference']:+.2f} [{first['ci_low']:+.2f}, {first['ci_high']:+.2f}]"
        return f"With {variant} instead of {reference}, the score of {first['name']} changes by {apart}."
    return (
        f"With {variant} instead of {reference}, {gained} of {len(table)} languages score higher and {lost} lower, "
        f"counting only intervals that exclude 0. {first['name']} gains most ({first['difference']:+.2f}), "
        f"{last['name']} least ({last['difference']:+.2f})."
    )
