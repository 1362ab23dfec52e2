"""One language against all others: the ranked list, and head against long-tail languages."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.language_matrix import LanguageMatrix
from neuronxa_core.analyses.language_order import LEVELS
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.figures.export import ExportableFigure, shared_caption
from neuronxa_core.figures.languages.matrix import layer_name, layer_stem
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, translucent
from neuronxa_core.figures.style import blank, colour_key, hover, interval_bars, name_rows, tick
from neuronxa_core.figures.wording import joined_names, ties
from neuronxa_core.numbers import CONFIDENCE, confidence, count, decimal, every, score, signed
from neuronxa_core.states.sentences import STATES, State

_RANKED: tuple[State, ...] = ("embedding", "nas")


def pivot_ranking(scores: pd.DataFrame, layer: int | None = None, theme: Theme = "light") -> go.Figure:
    """NAS and embedding, 0 to 1, of one language against each other one, best NAS on top; the line is what NAS gains.

    scores: as pivot_scores gives them. Long-tail languages stand in italics.
    """
    rows = scores.iloc[::-1].reset_index(drop=True)
    figure = blank(theme, 24 * len(rows) + 92, margin={"l": 8, "r": 12, "t": 34, "b": 8}, hovermode="closest")
    palette = PALETTES[theme]
    spans = [
        value
        for number, row in rows.iterrows()
        for value in ((row["embedding"], number), (row["nas"], number), (None,) * 2)
    ]
    figure.add_trace(
        go.Scatter(
            x=[x for x, _ in spans],
            y=[y for _, y in spans],
            mode="lines",
            name="gain",
            hoverinfo="skip",
            line={"color": palette.grid, "width": 4},
        )
    )
    for state in _RANKED:
        _ranked_dots(figure, rows, state, theme)
    figure.update_xaxes(title_text=f"Score, {layer_name(layer)}", range=[-0.02, 1.02], tickformat=".1f", dtick=0.2)
    name_rows(figure, [tick(code) for code in rows["code"]])
    colour_key(figure, _key(_RANKED[::-1], theme))
    return figure


def _ranked_hover(row: pd.Series, state: State) -> str:
    """Score, gain, and tokens where they were counted."""
    ratio = row["fertility"]
    tokens = "" if np.isnan(ratio) else f"<br>{decimal(ratio)} tokens per English token"
    return (
        f"<b>{row['name']}</b><br>{STATE_NAMES[state]} {score(row[state])}<br>NAS minus embedding "
        f"{signed(row['gain'])}{tokens}"
    )


def _ranked_dots(figure: go.Figure, rows: pd.DataFrame, state: State, theme: Theme) -> None:
    figure.add_trace(
        go.Scatter(
            x=rows[state],
            y=list(range(len(rows))),
            mode="markers",
            name=STATE_NAMES[state],
            marker={"color": PALETTES[theme].states[state], "symbol": SYMBOLS[state], "size": 9},
            **hover(_ranked_hover(row, state) for _, row in rows.iterrows()),
        )
    )


def level_comparison(
    scores: pd.DataFrame, summary: pd.DataFrame, layer: int | None = None, theme: Theme = "light"
) -> go.Figure:
    """Mean score of head and of long-tail languages against the pivot, 0 to 1, per state, with 95 percent intervals.

    The faint marks are the single languages. scores, summary: as pivot_scores and level_summary give them.
    """
    levels = [level for level in LEVELS if level in set(summary["level"])]
    rows = {
        (level, state): -(4 * place + line) for place, level in enumerate(levels) for line, state in enumerate(STATES)
    }
    figure = blank(theme, 118 * len(levels) + 76, margin={"l": 8, "r": 12, "t": 34, "b": 8}, hovermode="closest")
    for (level, state), height in rows.items():
        _level_row(figure, scores, summary, level, state, height, theme)
    counts = summary.groupby("level")["languages"].first()
    figure.update_xaxes(title_text=f"Score, {layer_name(layer)}", range=[-0.02, 1.02], tickformat=".1f", dtick=0.2)
    figure.update_yaxes(
        tickvals=[-4 * place - 1 for place in range(len(levels))],
        ticktext=[f"<b>{level}</b><br>{count(int(counts[level]), 'language')}" for level in levels],
        range=[-4 * len(levels) + 1.3, 0.7],
        showgrid=False,
        ticks="",
    )
    colour_key(figure, _key(STATES, theme))
    return figure


def _level_row(
    figure: go.Figure, scores: pd.DataFrame, summary: pd.DataFrame, level: str, state: State, height: int, theme: Theme
) -> None:
    members = scores[scores["level"] == level]
    found = summary[(summary["level"] == level) & (summary["measure"] == state)]
    if found.empty:
        return
    row, colour = found.iloc[0], PALETTES[theme].states[state]
    figure.add_trace(
        go.Scatter(
            x=members[state],
            y=[height] * len(members),
            mode="markers",
            name=f"{STATE_NAMES[state]}, single languages",
            marker={"color": translucent(colour, 0.35), "symbol": "line-ns-open", "size": 9, "line": {"width": 1.5}},
            **hover(
                f"{each}<br>{STATE_NAMES[state]} {score(value)}"
                for each, value in zip(members["name"], members[state], strict=True)
            ),
        )
    )
    width = [0.0, 0.0] if np.isnan(row["ci_low"]) else [row["ci_high"] - row["mean"], row["mean"] - row["ci_low"]]
    interval = confidence(row["ci_low"], row["ci_high"], of="languages")
    figure.add_trace(
        go.Scatter(
            x=[row["mean"]],
            y=[height],
            mode="markers",
            name=f"{STATE_NAMES[state]}, {level}",
            marker={"color": colour, "symbol": SYMBOLS[state], "size": 11},
            error_x=interval_bars(width[:1], width[1:], colour, 2),
            hovertemplate=f"<b>{level}</b><br>{STATE_NAMES[state]} {score(row['mean'])}<br>{interval}<extra></extra>",
        )
    )


def _key(states: Sequence[State], theme: Theme) -> list[tuple[str, str]]:
    """Colour, mark and name of each state."""
    marks = {"nas": "●", "nav": "◆", "embedding": "■"}
    return [(PALETTES[theme].states[state], f"{marks[state]} {STATE_NAMES[state]}") for state in states]


def exportable_pivot(matrix: LanguageMatrix, scores: pd.DataFrame, pivot: str, layer: int | None) -> ExportableFigure:
    return ExportableFigure(
        f"{matrix.stem}.{pivot}.{layer_stem(layer)}.ranking",
        f"{language(pivot).name} against every other language, {layer_name(layer)}",
        "Share of sentence pairs that are each other's only nearest neighbour. Grey line: gain of NAS over the "
        "embedding. Long-tail languages are in italics.",
        shared_caption(matrix.study, both=True),
        lambda theme: pivot_ranking(scores, layer, theme),
    )


def exportable_levels(
    matrix: LanguageMatrix, scores: pd.DataFrame, summary: pd.DataFrame, pivot: str, layer: int | None
) -> ExportableFigure:
    return ExportableFigure(
        f"{matrix.stem}.{pivot}.{layer_stem(layer)}.levels",
        f"Head and long-tail languages against {language(pivot).name}, {layer_name(layer)}",
        f"Mean scores with {CONFIDENCE} intervals (languages resampled); faint marks are single languages.",
        shared_caption(matrix.study, both=True),
        lambda theme: level_comparison(scores, summary, layer, theme),
    )


def fertility_finding(scores: pd.DataFrame, pivot: str) -> str:
    """How tokens per English token correlate with the score over languages; empty below six, or if none is counted."""
    known = scores.dropna(subset=["nas", "fertility"])
    if len(known) < _FEWEST or known["nas"].nunique() < 2 or known["fertility"].nunique() < 2:
        return ""
    together = float(known["nas"].corr(known["fertility"], method="spearman"))
    worst, reference = known.loc[known["fertility"].idxmax()], _reference(scores, pivot)
    text = (
        f"Tokens: {worst['name']} needs the most, {decimal(worst['fertility'])} for every {reference} token. Over the "
        f"{len(known)} languages, fertility and the NAS score with {language(pivot).name} have a Spearman correlation "
        f"of {score(together)}"
    )
    return text + (": low scores may be partly due to the tokenizer." if together <= -0.3 else ".")


_FEWEST = 6


def _reference(scores: pd.DataFrame, pivot: str) -> str:
    """The language whose tokens are the unit of fertility, see language_order.pivot_scores."""
    return language(ENGLISH if ENGLISH in {pivot, *scores["code"]} else pivot).name


def pivot_finding(scores: pd.DataFrame, pivot: str) -> str:
    """The pivot's nearest languages, and with how many of them NAS beats the embedding."""
    name, embedding_only = language(pivot).name, bool(scores["nas"].isna().any())
    values = scores["embedding" if embedding_only else "nas"]
    nearest = list(scores["name"].iloc[ties(values, values.max())])
    text = (
        f"By {'token embedding' if embedding_only else 'neuron state'}, {_nearest(nearest, scores, name, values.max())}"
    )
    if embedding_only:
        return f"{text}; layer 0 has no neurons."
    if len(scores) == 1:
        return f"{text}. NAS minus embedding is {signed(scores['gain'].iloc[0])}."
    above = int((scores["gain"] > 0).sum())
    return (
        f"{text}. NAS scores above the embedding for {above} of {len(scores)} languages; the mean difference is "
        f"{signed(scores['gain'].mean())}."
    )


def _nearest(nearest: Sequence[str], scores: pd.DataFrame, name: str, value: float) -> str:
    if len(scores) == 1:
        return f"{nearest[0]}, the only other language, scores {score(value)} with {name}"
    if len(nearest) == len(scores):
        return f"{every(len(scores), 'languages')} are equally close to {name} ({score(value)})"
    return f"{joined_names(nearest)} {'is' if len(nearest) == 1 else 'are'} closest to {name} ({score(value)})"


def level_finding(summary: pd.DataFrame, pivot: str) -> str:
    """What NAS gains over embeddings among head and among long-tail languages, with its interval."""
    gains = summary[summary["measure"] == "gain"] if len(summary) else summary
    if gains.empty:
        return ""
    parts = [
        f"**{signed(row['mean'])}** ({confidence(row['ci_low'], row['ci_high'], signed, 'languages')}) for "
        + count(int(row["languages"]), f"{row['level']} language")
        for _, row in gains.iterrows()
    ]
    return f"Against {language(pivot).name}, NAS minus embedding is " + ", and ".join(parts) + "."
