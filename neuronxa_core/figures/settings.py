"""How much each choice of the method moves a score, and how many pairs are enough."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends, state_curve
from neuronxa_core.figures.export import ExportableFigure, pair_name, shared_caption
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, SYMBOLS, Theme
from neuronxa_core.figures.style import blank, hover, interval_bars, name_rows
from neuronxa_core.numbers import CONFIDENCE, count, interval, score, signed
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.study import Study

PAIRS_HEIGHT = 360


_NAMES = {
    ("as it is", ""): "As in the study",
    ("layers", "best layer"): "Best layer",
    ("similarity", "centred"): "Mean-centred",
    ("similarity", "csls"): "CSLS",
    ("similarity", "centred csls"): "Mean-centred, CSLS",
    ("pooling", "last"): "Last-token pooling",
    ("pooling", "position"): "Position-weighted pooling",
}


def choice_name(choice: str, value: str) -> str:
    """How a row of the table is called where people read it: "Mean-centred, CSLS" for `similarity`, `centred csls`."""
    if choice == "threshold of NAS":
        return f"NAS threshold {value}"
    if choice == "pivot":
        return f"Target {language(value).name}"
    return _NAMES.get((choice, value), f"{value.capitalize()} {choice}".strip())


def named_choices(table: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: one column `change` in place of choice and value. table: as settings.COLUMNS."""
    named = [choice_name(choice, value) for choice, value in zip(table["choice"], table["value"], strict=True)]
    shown = table.drop(columns=["choice", "value"])
    shown.insert(0, "change", named)
    return shown


def ablation_figure(table: pd.DataFrame, state: State, theme: Theme = "light") -> go.Figure:
    """Score of one state, 0 to 1, with 95 percent intervals, a row per changed choice; the line is the study as it is.

    table: as settings.Ablation has it.
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
            error_x=interval_bars(rows["ci_high"] - rows["score"], rows["score"] - rows["ci_low"], colour),
            **hover(
                f"<b>{choice_name(row['choice'], row['value'])}</b><br>score {score(row['score'])}<br>difference "
                f"{signed(row['difference'])}{_interval(row)}"
                for _, row in rows.iterrows()
            ),
        )
    )
    figure.update_xaxes(title_text=f"{SCORE_NAMES[state]}", range=[-0.02, 1.02], tickformat=".1f", dtick=0.2)
    name_rows(
        figure,
        [
            f"<b>{name}</b>" if choice == "as it is" else name
            for name, choice in zip(named_choices(rows)["change"], rows["choice"], strict=True)
        ],
    )
    return figure


def _interval(row: pd.Series) -> str:
    if np.isnan(row["difference_low"]):
        return " (other sentences)"
    return f" [{interval(row['difference_low'], row['difference_high'], signed)}]"


def pairs_figure(pairs: pd.DataFrame, column: str, theme: Theme = "light") -> go.Figure:
    """A measure from the first 10 pairs to all, per state; the band, where there is one, is the 95 percent interval.

    pairs: as settings gives it, `score` with intervals or `rank_correlation`.
    """
    figure = blank(theme, PAIRS_HEIGHT, margin={"l": 8, "r": 92, "t": 12, "b": 8}, hovermode="closest")
    counts = sorted(pairs["pairs"].unique())
    curves = [_curve(pairs[pairs["state"] == state], column, state, theme) for state in STATES]
    draw_curves(figure, curves, theme)
    title = "Score (mean over layers)" if column == "score" else "Rank correlation with all pairs"
    low = min(0.0, float(pairs[column].min()) - 0.05)
    figure.update_xaxes(
        title_text="Number of pairs", type="log", tickvals=counts, ticktext=[str(count) for count in counts]
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
        more=hover(
            f"<b>{SCORE_NAMES[state]}</b>, {count(int(pairs), 'pair')}<br>{score(value, 3)}"
            for pairs, value in rows[["pairs", column]].to_numpy()
        ),
    )


def ablation_finding(table: pd.DataFrame, state: State) -> str:
    """The choice that raises the score most, the one that lowers it most, and how many move it beyond doubt."""
    rows = table[(table["state"] == state) & table["difference_low"].notna()]
    rows = rows[~rows["choice"].isin(["as it is", "layers"])]  # the best layer is picked after looking
    base = table[(table["state"] == state) & (table["choice"] == "as it is")].iloc[0]
    sure = rows[(rows["difference_low"] > 0) | (rows["difference_high"] < 0)]
    head = f"{SCORE_NAMES[state]} is {score(base['score'])} with the study's own choices."
    if not rows["difference"].any():
        return f"{head} Apart from *Best layer*, no change of one choice moves it."
    best, worst = rows.loc[rows["difference"].idxmax()], rows.loc[rows["difference"].idxmin()]
    (up, most), (down, least) = (
        (f"*{choice_name(row['choice'], row['value'])}* ({signed(row['difference'])})", row["difference"])
        for row in (best, worst)
    )
    ends = f"it rises most with {up} and falls most with {down}"
    if most <= 0:
        ends = f"no change raises it, and it falls most with {down}"
    elif least >= 0:
        ends = f"no change lowers it, and it rises most with {up}"
    return (
        f"{head} For {len(sure) or 'none'} of {count(len(rows), 'change')} the interval of the difference excludes 0. "
        f"Apart from *Best layer*, {ends}."
    )


def pairs_finding(needed: pd.DataFrame, languages: int) -> str:
    """From how many pairs on NASCA ranks the languages almost as all pairs do.

    needed: as pairs_needed.rank_correlations gives it.
    """
    rows = needed[(needed["state"] == "nas") & needed["rank_correlation"].notna()].sort_values("pairs")
    most = int(needed["pairs"].max())
    rows = rows[rows["pairs"] < most]
    if rows.empty:
        return f"The {languages} languages have the same NASCA, or too few pairs, so there is no ranking to compare."
    short = rows[rows["rank_correlation"] < _ALMOST]
    enough = rows[rows["pairs"] > short["pairs"].max()] if len(short) else rows
    if enough.empty:
        return (
            f"No smaller number of pairs ranks the {languages} languages almost as {most} do (rank correlation "
            f"{score(_ALMOST)} or more)."
        )
    first = enough.iloc[0]
    return (
        f"By NASCA, {int(first['pairs'])} pairs rank the {languages} languages almost as {most} do (rank correlation "
        f"{score(first['rank_correlation'])})."
    )


_ALMOST = 0.95


def exportable_ablation(study: Study, table: pd.DataFrame, state: State) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.ablation.{state}",
        f"{SCORE_NAMES[state]} when one choice is changed: {pair_name(study)}",
        f"Means over layers with {CONFIDENCE} intervals. Filled markers: the interval of the difference from the "
        "study's own choice excludes 0 (pairs resampled).",
        study.caption,
        lambda theme: ablation_figure(table, state, theme),
    )


def exportable_pairs(study: Study, pairs: pd.DataFrame, column: str) -> ExportableFigure:
    ranks = column == "rank_correlation"
    return ExportableFigure(
        f"{study.stem}.pairs.{column}",
        "Do fewer pairs rank the languages alike?" if ranks else f"How many pairs are enough: {pair_name(study)}",
        "Spearman correlation over languages between the scores from the first pairs and those from all pairs."
        if ranks
        else f"Mean score over layers from the first pairs, with {CONFIDENCE} intervals. Fewer pairs mean fewer "
        "rivals, so scores start high.",
        shared_caption(study) if ranks else study.caption,
        lambda theme: pairs_figure(pairs, column, theme),
    )
