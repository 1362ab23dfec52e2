"""Every language against every other: the matrix, one language's ranked list, and head against long-tail."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.language_order import LEVELS, Arrangement
from neuronxa_core.analyses.languages import LanguageMatrix
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, score_scale, translucent
from neuronxa_core.figures.style import blank, click_targets
from neuronxa_core.states.sentences import STATES, State

_TREE = 90
_BELOW = 100
"""Pixels above the matrix for a tree, and below it for codes and colour bar."""
_WITH_NUMBERS = 8
"""Up to so many languages, the scores stand in the cells."""
_FEW = 12
_LONGEST = 16
"""With more than so many languages labels are small and names are cut, so that the cells keep their room on a phone."""
_RANKED: tuple[State, ...] = ("embedding", "nas")


def language_heatmap(
    matrix: LanguageMatrix, arrangement: Arrangement, state: State, layer: int | None, theme: Theme = "light"
) -> go.Figure:
    """Mutual scores, 0 to 1, of every pair of languages, in the order of `arrangement`, with its groups or its tree.

    layer: None for the mean over layers. Names stand beside the rows, short codes below the columns, which may become
    narrow. Transparent squares lie over the cells, because a click on a heatmap does not reach Streamlit; their
    customdata begins with the two codes.
    """
    shown = matrix.take(arrangement.codes)
    size = len(shown.codes)
    above = _TREE if arrangement.linkage is not None else _room_for(arrangement.groups)
    below, cells = _BELOW, max(22 * size, 240)
    figure = blank(
        theme,
        above + cells + below,
        margin={"l": 8, "r": 8, "t": 4, "b": below - 4},
        dragmode=False,
        hovermode="closest",
        hoverdistance=-1,
    )
    matrix_top = cells / (above + cells)
    _cells(figure, shown, state, layer, theme)
    if size <= _WITH_NUMBERS:
        _numbers(figure, shown, state, layer, theme)
    _click_targets(figure, shown, state, layer)
    _axes(figure, shown.codes, matrix_top)
    if arrangement.linkage is not None:
        _tree(figure, arrangement, matrix_top, theme)
    if arrangement.groups:
        _separate(figure, arrangement.groups, theme)
    return figure


def _cells(figure: go.Figure, matrix: LanguageMatrix, state: State, layer: int | None, theme: Theme) -> None:
    scores = matrix.score(state, layer)
    figure.add_trace(
        go.Heatmap(
            z=scores.astype(np.float32),
            zmin=0,
            zmax=1,
            colorscale=score_scale(state, theme),
            xgap=1,
            ygap=1,
            hoverinfo="skip",
            name="scores",
            colorbar={
                "orientation": "h",
                "thickness": 8,
                "len": 0.9,
                "yref": "container",
                "y": 0.0,
                "yanchor": "bottom",
                "ypad": 2,
                "dtick": 0.2,
                "tickformat": ".1f",
                "outlinewidth": 0,
                "title": {"text": f"{STATE_NAMES[state]} score, {layer_name(layer)}", "side": "top"},
            },
        )
    )


def _numbers(figure: go.Figure, matrix: LanguageMatrix, state: State, layer: int | None, theme: Theme) -> None:
    """The scores in the cells, in the colour that stands out from the cell's."""
    palette = PALETTES[theme]
    scores = matrix.score(state, layer)
    rows, columns = np.nonzero(~np.isnan(scores))
    shown = scores[rows, columns]
    figure.add_trace(
        go.Scatter(
            x=columns,
            y=rows,
            mode="text",
            name="numbers",
            text=[f"{score:.2f}" for score in shown],
            textfont={"size": 13, "color": [palette.ground if score > 0.45 else palette.ink for score in shown]},
            hoverinfo="skip",
        )
    )


def _click_targets(figure: go.Figure, matrix: LanguageMatrix, state: State, layer: int | None) -> None:
    size = len(matrix.codes)
    rows, columns = np.divmod(np.arange(size * size), size)
    names = [language(code).name for code in matrix.codes]
    score, direction = matrix.score(state, layer), matrix.direction(state, layer)
    cells = [
        [matrix.codes[row], matrix.codes[column], _hover(names[row], names[column], score, direction, row, column)]
        for row, column in zip(rows, columns, strict=True)
    ]
    figure.add_trace(
        click_targets(x=columns, y=rows, customdata=cells, hovertemplate="%{customdata[2]}<extra></extra>")
    )


def _hover(source: str, target: str, score: Any, direction: Any, row: int, column: int) -> str:
    if row == column:
        return f"{source} is not compared with itself"
    return (
        f"<b>{source} and {target}</b><br>score {score[row, column]:.2f}<br>{source} → {target}  "
        f"{direction[row, column]:.2f}<br>{target} → {source}  {direction[column, row]:.2f}"
    )


def _axes(figure: go.Figure, codes: Sequence[str], matrix_top: float) -> None:
    size = len(codes)
    shared = {"tickvals": list(range(size)), "showgrid": False, "ticks": "", "showline": False, "ticklabelstandoff": 4}
    figure.update_xaxes(
        range=[-0.5, size - 0.5],
        ticktext=short_codes(codes),
        tickangle=0 if size <= 6 else -90,
        tickfont={"size": 13 if size <= _FEW else 9},
        **shared,
    )
    figure.update_yaxes(
        range=[size - 0.5, -0.5],
        ticktext=[tick(code, _LONGEST if size > _FEW else None) for code in codes],
        tickfont={"size": 13 if size <= _FEW else 11},
        domain=[0, matrix_top],
        **shared,
    )


def tick(code: str, longest: int | None = None) -> str:
    """A language's name, cut to `longest` letters; long-tail languages in italics."""
    known = language(code)
    name = known.name if longest is None or len(known.name) <= longest else f"{known.name[: longest - 1].rstrip()}…"
    return name if known.head else f"<i>{name}</i>"


def short_codes(codes: Sequence[str]) -> list[str]:
    """`deu` for `deu_Latn`, unless two of the languages would share it."""
    short = [code[:3] for code in codes]
    return [code if short.count(part) > 1 else part for code, part in zip(codes, short, strict=True)]


def _tree(figure: go.Figure, arrangement: Arrangement, matrix_top: float, theme: Theme) -> None:
    """The dendrogram, its leaves over the columns; a fork's height is 1 minus the mean score across it. The feet are cut."""
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(arrangement.linkage, no_plot=True)
    across = [value for fork in drawn["icoord"] for value in (*((x - 5) / 10 for x in fork), None)]
    heights = [value for fork in drawn["dcoord"] for value in (*fork, None)]
    figure.add_trace(
        go.Scatter(
            x=across,
            y=heights,
            yaxis="y2",
            mode="lines",
            name="tree",
            hoverinfo="skip",
            line={"color": PALETTES[theme].muted, "width": 1.3},
        )
    )
    forks = [max(fork) for fork in drawn["dcoord"]]
    room = (max(forks) - min(forks)) or 1.0
    figure.update_layout(
        yaxis2={
            "domain": [matrix_top, 1],
            "range": [min(forks) - 0.25 * room, max(forks) + 0.04 * room],
            "visible": False,
            "fixedrange": True,
        }
    )


def _separate(figure: go.Figure, groups: Sequence[tuple[str, int]], theme: Theme) -> None:
    """Lines between groups and their names above the columns."""
    palette = PALETTES[theme]
    ends = list(accumulate(count for _, count in groups))
    for end in ends[:-1]:
        line = {"line": {"color": palette.muted, "width": 1}, "xref": "x", "yref": "y"}
        figure.add_shape(type="line", x0=end - 0.5, x1=end - 0.5, y0=-0.5, y1=ends[-1] - 0.5, **line)
        figure.add_shape(type="line", y0=end - 0.5, y1=end - 0.5, x0=-0.5, x1=ends[-1] - 0.5, **line)
    upright = _upright(groups)
    for (name, count), end in zip(groups, ends, strict=True):
        figure.add_annotation(
            x=end - count / 2 - 0.5,
            y=-0.5,
            text=name,
            textangle=-90 if upright else 0,
            yanchor="bottom",
            yshift=3,
            showarrow=False,
            font={"color": palette.muted, "size": 11 if upright else 13},
        )


def _upright(groups: Sequence[tuple[str, int]]) -> bool:
    """Whether a group is too narrow for its name to lie flat."""
    return min(count for _, count in groups) < 5


def _room_for(groups: Sequence[tuple[str, int]]) -> int:
    """Pixels that the names of the groups need above the matrix."""
    if not groups:
        return 8
    return 10 + 7 * max(len(name) for name, _ in groups) if _upright(groups) else 28


def layer_name(layer: int | None) -> str:
    return "mean over layers" if layer is None else f"layer {layer}"


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
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[tick(code) for code in rows["code"]],
        range=[-0.7, len(rows) - 0.3],
        showgrid=False,
        ticks="",
    )
    _key(figure, _RANKED[::-1], theme)
    return figure


def _token_line(scores: pd.DataFrame) -> list[str]:
    """A line for the hover text; empty where the tokens were not counted."""
    return ["" if np.isnan(ratio) else f"<br>{ratio:.2f} tokens per English token" for ratio in scores["fertility"]]


def _ranked_dots(figure: go.Figure, rows: pd.DataFrame, state: State, theme: Theme) -> None:
    figure.add_trace(
        go.Scatter(
            x=rows[state],
            y=list(range(len(rows))),
            mode="markers",
            name=STATE_NAMES[state],
            marker={"color": PALETTES[theme].states[state], "symbol": SYMBOLS[state], "size": 9},
            customdata=rows[["name", "gain"]].assign(tokens=_token_line(rows)).to_numpy(),
            hovertemplate=(
                f"<b>%{{customdata[0]}}</b><br>{STATE_NAMES[state]} %{{x:.2f}}<br>"
                "NAS minus embedding %{customdata[1]:+.2f}%{customdata[2]}<extra></extra>"
            ),
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
        ticktext=[f"<b>{level}</b><br>{counts[level]} language{'s' if counts[level] > 1 else ''}" for level in levels],
        range=[-4 * len(levels) + 1.3, 0.7],
        showgrid=False,
        ticks="",
    )
    _key(figure, STATES, theme)
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
            customdata=members[["name"]].to_numpy(),
            hovertemplate=f"%{{customdata[0]}}<br>{STATE_NAMES[state]} %{{x:.2f}}<extra></extra>",
        )
    )
    width = [0.0, 0.0] if np.isnan(row["ci_low"]) else [row["ci_high"] - row["mean"], row["mean"] - row["ci_low"]]
    interval = "no interval" if np.isnan(row["ci_low"]) else f"[{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    figure.add_trace(
        go.Scatter(
            x=[row["mean"]],
            y=[height],
            mode="markers",
            name=f"{STATE_NAMES[state]}, {level}",
            marker={"color": colour, "symbol": SYMBOLS[state], "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": width[:1],
                "arrayminus": width[1:],
                "color": colour,
                "thickness": 2,
                "width": 0,
            },
            hovertemplate=f"<b>{level}</b><br>{STATE_NAMES[state]} %{{x:.2f}}  {interval}<extra></extra>",
        )
    )


def _key(figure: go.Figure, states: Sequence[State], theme: Theme) -> None:
    """Which colour is which, above the rows."""
    marks = {"nas": "●", "nav": "◆", "embedding": "■"}
    colours = PALETTES[theme].states
    figure.add_annotation(
        text="   ".join(
            f"<span style='color:{colours[state]}'>{marks[state]} {STATE_NAMES[state]}</span>" for state in states
        ),
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        yshift=24,
        xanchor="left",
        showarrow=False,
        font={"size": 14},
    )
