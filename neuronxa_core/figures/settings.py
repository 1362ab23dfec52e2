"""How much each choice of the method moves a score, and how many pairs are enough."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends, state_curve
from neuronxa_core.figures.export import ExportableFigure, pair_name, shared_caption
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, SYMBOLS, Theme
from neuronxa_core.figures.style import blank
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.study import Study

PAIRS_HEIGHT = 360


def choice_name(choice: str, value: str) -> str:
    """What stands beside a row."""
    return f"{choice}: {language(value).name if choice == 'pivot' else value}" if value else choice


def ablation_figure(table: pd.DataFrame, state: State, theme: Theme = "light") -> go.Figure:
    """Score of one state, 0 to 1, with 95 percent intervals, a row for each changed choice; the line is the study as it is.

    table: as ablation.Ablation has it.
    """
    palette = PALETTES[theme]
    rows = table[table["state"] == state].iloc[::-1].reset_index(drop=True)
    colour, base = palette.states[state], rows[rows["choice"] == "as it is"].iloc[0]["score"]
    sure = (rows["difference_low"] > 0) | (rows["difference_high"] < 0) | (rows["choice"] == "as it is")
    figure = blank(theme, 26 * len(rows) + 70, margin={"l": 8, "r": 12, "t": 8, "b": 8}, hovermode="closest")
    figure.add_vline(x=base, line={"color": palette.muted, "width": 1, "dash": "dot"})
    figure.add_trace(
        go.Scatter(
            x=rows["score"],
            y=list(range(len(rows))),
            mode="markers",
            name=SCORE_NAMES[state],
            marker={
                "color": [colour if each else palette.ground for each in sure],
                "symbol": SYMBOLS[state],
                "size": 9,
                "line": {"color": colour, "width": 1.6},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": rows["ci_high"] - rows["score"],
                "arrayminus": rows["score"] - rows["ci_low"],
                "color": colour,
                "thickness": 1.4,
                "width": 0,
            },
            customdata=[
                [choice_name(row["choice"], row["value"]), f"{row['difference']:+.3f}{_interval(row)}"]
                for _, row in rows.iterrows()
            ],
            hovertemplate="<b>%{customdata[0]}</b><br>score %{x:.3f}<br>difference %{customdata[1]}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text=f"{SCORE_NAMES[state]}", range=[-0.02, 1.02], tickformat=".1f", dtick=0.2)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[
            f"<b>{row['choice']}</b>" if row["choice"] == "as it is" else choice_name(row["choice"], row["value"])
            for _, row in rows.iterrows()
        ],
        range=[-0.7, len(rows) - 0.3],
        showgrid=False,
        ticks="",
    )
    return figure


def _interval(row: pd.Series) -> str:
    if np.isnan(row["difference_low"]):
        return " (other sentences)"
    return f" [{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"


def pairs_figure(pairs: pd.DataFrame, column: str, theme: Theme = "light") -> go.Figure:
    """A measure from the first 10 pairs to all, per state; the band, where there is one, is the 95 percent interval.

    pairs: as ablation gives it, `score` with intervals or `rank_correlation`.
    """
    figure = blank(theme, PAIRS_HEIGHT, margin={"l": 8, "r": 92, "t": 12, "b": 8}, hovermode="closest")
    counts = sorted(pairs["pairs"].unique())
    curves = [_curve(pairs[pairs["state"] == state], column, state, theme) for state in STATES]
    draw_curves(figure, curves, theme)
    title = "Score (mean over layers)" if column == "score" else "Rank correlation with all pairs"
    low = min(0.0, float(pairs[column].min()) - 0.05)
    figure.update_xaxes(
        title_text="Pairs, the first ones", type="log", tickvals=counts, ticktext=[str(count) for count in counts]
    )
    figure.update_yaxes(title_text=title, range=[low - 0.02, 1.04], tickformat=".1f")
    label_ends(figure, ends(curves), gap=0.07, low=low, high=1.02, x=1, xref="paper")
    return figure


def _curve(rows: pd.DataFrame, column: str, state: State, theme: Theme) -> Curve:
    """rows: of one state; those with intervals have a band."""
    has_band = "ci_low" in rows
    return state_curve(
        state,
        theme,
        name=SCORE_NAMES[state],
        x=rows["pairs"].to_numpy(),
        y=rows[column].to_numpy(),
        low=rows["ci_low"].to_numpy() if has_band else None,
        high=rows["ci_high"].to_numpy() if has_band else None,
        more={"hovertemplate": f"<b>{SCORE_NAMES[state]}</b>, %{{x}} pairs<br>%{{y:.3f}}<extra></extra>"},
    )


def ablation_finding(table: pd.DataFrame, state: State) -> str:
    """The choice that raises the score most, the one that lowers it most, and how many move it beyond doubt."""
    rows = table[(table["state"] == state) & table["difference_low"].notna()]
    rows = rows[~rows["choice"].isin(["as it is", "layers"])]  # the best layer is picked after looking
    base = table[(table["state"] == state) & (table["choice"] == "as it is")].iloc[0]
    sure = rows[(rows["difference_low"] > 0) | (rows["difference_high"] < 0)]
    best, worst = rows.loc[rows["difference"].idxmax()], rows.loc[rows["difference"].idxmin()]
    return (
        f"{SCORE_NAMES[state]} is {base['score']:.2f} as it is. {len(sure)} of {len(rows)} changes move it beyond their intervals: "
        f"{choice_name(best['choice'], best['value'])} most upwards ({best['difference']:+.2f}), "
        f"{choice_name(worst['choice'], worst['value'])} most downwards ({worst['difference']:+.2f})."
    )


def pairs_finding(needed: pd.DataFrame, languages: int) -> str:
    """From how many pairs on NASCA orders the languages nearly as all pairs do. needed: as ablation.run_pairs_needed gives it."""
    rows = needed[(needed["state"] == "nas") & needed["rank_correlation"].notna()]
    most = int(needed["pairs"].max())
    enough = rows[rows["rank_correlation"] >= 0.95]
    if enough.empty:
        return f"No smaller number of pairs orders the {languages} languages as {most} do."
    first = enough.iloc[0]
    return (
        f"By NASCA, {int(first['pairs'])} pairs order the {languages} languages nearly as {most} do (rank correlation "
        f"{first['rank_correlation']:.2f})."
    )


def exportable_ablation(study: Study, table: pd.DataFrame, state: State) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.ablation.{state}",
        f"{SCORE_NAMES[state]} when one choice is changed: {pair_name(study)}",
        "Means over layers with 95 % intervals; filled where the difference to the study as it is excludes 0, pairs resampled.",
        study.caption,
        lambda theme: ablation_figure(table, state, theme),
    )


def exportable_pairs(study: Study, pairs: pd.DataFrame, column: str) -> ExportableFigure:
    ranks = column == "rank_correlation"
    return ExportableFigure(
        f"{study.stem}.pairs.{column}",
        "Do fewer pairs order the languages alike?" if ranks else f"How many pairs are enough: {pair_name(study)}",
        "Spearman correlation over languages between the scores from the first pairs and from all."
        if ranks
        else "Mean score over layers from the first pairs, with 95 % intervals; fewer pairs have fewer rivals, so scores start high.",
        shared_caption(study) if ranks else study.caption,
        lambda theme: pairs_figure(pairs, column, theme),
    )
