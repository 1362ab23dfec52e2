"""Every language against every other: the matrix in the order asked for, with its tree or its groups."""

from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.language_matrix import LanguageMatrix
from neuronxa_core.analyses.language_order import Arrangement
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import ExportableFigure, shared_caption
from neuronxa_core.figures.languages.large import LARGE, large_heatmap
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, Theme, score_scale
from neuronxa_core.figures.style import blank, click_targets, score_bar, short_codes, tick
from neuronxa_core.figures.wording import joined_names, ties, within
from neuronxa_core.numbers import chance, score
from neuronxa_core.states.sentences import State

_TREE = 90
_BELOW = 100
"""Pixels above the matrix for a tree, and below it for codes and colour bar."""
_WITH_NUMBERS = 8
"""Up to so many languages, the scores stand in the cells."""
_FEW = 12
_LONGEST = 16
"""With more than so many languages labels are small and names are cut, so that the cells keep their room on a phone."""


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
            colorbar=score_bar(0.9, title=f"{STATE_NAMES[state]} score, {layer_name(layer)}"),
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
            text=[score(each) for each in shown],
            textfont={"size": 13, "color": [palette.ground if each > 0.45 else palette.ink for each in shown]},
            hoverinfo="skip",
        )
    )


def _click_targets(figure: go.Figure, matrix: LanguageMatrix, state: State, layer: int | None) -> None:
    size = len(matrix.codes)
    rows, columns = np.divmod(np.arange(size * size), size)
    names = [language(code).name for code in matrix.codes]
    scores, direction = matrix.score(state, layer), matrix.direction(state, layer)
    cells = [
        [matrix.codes[row], matrix.codes[column], _hover(names[row], names[column], scores, direction, row, column)]
        for row, column in zip(rows, columns, strict=True)
    ]
    figure.add_trace(
        click_targets(x=columns, y=rows, customdata=cells, hovertemplate="%{customdata[2]}<extra></extra>")
    )


def _hover(source: str, target: str, scores: Any, direction: Any, row: int, column: int) -> str:
    if row == column:
        return f"{source} is not compared with itself"
    return (
        f"<b>{source} and {target}</b><br>score {score(scores[row, column])}<br>{source} → {target}  "
        f"{score(direction[row, column])}<br>{target} → {source}  {score(direction[column, row])}"
    )


def _axes(figure: go.Figure, codes: Sequence[str], matrix_top: float) -> None:
    size = len(codes)
    shared = {"tickvals": list(range(size)), "showgrid": False, "ticks": "", "showline": False, "ticklabelstandoff": 4}
    figure.update_xaxes(
        range=[-0.5, size - 0.5],
        ticktext=short_codes(codes),
        tickangle=0 if size <= 6 else -90,
        tickfont={"size": 13 if size <= _FEW else 12},
        **shared,
    )
    figure.update_yaxes(
        range=[size - 0.5, -0.5],
        ticktext=[tick(code, _LONGEST if size > _FEW else None) for code in codes],
        tickfont={"size": 13 if size <= _FEW else 12},
        domain=[0, matrix_top],
        **shared,
    )


def _tree(figure: go.Figure, arrangement: Arrangement, matrix_top: float, theme: Theme) -> None:
    """The dendrogram over the columns; a fork's height is 1 minus the mean score across it. The feet are cut."""
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
            font={"color": palette.muted, "size": 12 if upright else 13},
        )


def _upright(groups: Sequence[tuple[str, int]]) -> bool:
    """Whether a group is too narrow for its name to lie flat."""
    return min(count for _, count in groups) < 5


def _room_for(groups: Sequence[tuple[str, int]]) -> int:
    """Pixels that the names of the groups need above the matrix."""
    if not groups:
        return 8
    return 12 + 8 * max(len(name) for name, _ in groups) if _upright(groups) else 28


def layer_name(layer: int | None) -> str:
    return "mean over layers" if layer is None else f"layer {layer}"


def exportable_languages(
    matrix: LanguageMatrix, arrangement: Arrangement, state: State, layer: int | None, found: Collection[str] = ()
) -> ExportableFigure:
    """found: languages to frame, in a matrix of more than LARGE."""

    def draw(theme: Theme) -> go.Figure:
        if len(arrangement.codes) > LARGE:
            return large_heatmap(matrix, arrangement, state, layer, theme, found)
        return language_heatmap(matrix, arrangement, state, layer, theme)

    return ExportableFigure(
        f"{matrix.stem}.{state}.{layer_stem(layer)}.languages",
        f"Every language against every other: {STATE_NAMES[state]}, {layer_name(layer)}",
        "Each cell is the share of sentence pairs that are each other's only nearest neighbour by cosine. Long-tail "
        "languages are in italics.",
        shared_caption(matrix.study, both=True),
        draw,
    )


def layer_stem(layer: int | None) -> str:
    return "mean" if layer is None else f"layer{layer}"


def matrix_finding(matrix: LanguageMatrix, state: State, layer: int | None = None) -> str:
    """The closest and the farthest pair, and the language that is nearest to all others."""
    scores = matrix.score(state, layer)
    rows, columns = np.triu_indices(len(matrix.codes), 1)
    pairs = scores[rows, columns]
    names = [language(code).name for code in matrix.codes]
    best, worst = int(pairs.argmax()), int(pairs.argmin())
    where = "over all layers" if layer is None else f"at layer {layer}"
    by = within(state)
    by_chance = f"chance {chance(matrix.chance)}"
    if len(pairs) == 1:
        return (
            f"By {by} {where}, {names[0]} and {names[1]} score {score(pairs[0])}: they are the only pair ({by_chance})."
        )
    if pairs[best] == pairs[worst]:
        return f"By {by} {where}, all {len(pairs)} language pairs score the same ({score(pairs[best])}; {by_chance})."
    text = f"By {by} {where}, {_named(pairs, best, names, rows, columns, 'closest')}"
    means = np.nanmean(scores, axis=1)
    hubs = [names[place] for place in ties(means, means.max())]
    return (
        f"{text}, and {_named(pairs, worst, names, rows, columns, 'farthest apart')}; {by_chance}. "
        f"{joined_names(hubs)} {'is' if len(hubs) == 1 else 'are'} closest to the others on average "
        f"({score(means.max())}; mean over all {len(pairs)} language pairs {score(pairs.mean())})."
    )


def _named(
    pairs: NDArray[np.float64],
    place: int,
    names: Sequence[str],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    how: str,
) -> str:
    """The pair of languages at a place of the list, or how many share its score."""
    same, value = len(ties(pairs, pairs[place])), score(pairs[place])
    if same > 1:
        return f"{same} language pairs are {how} ({value})"
    return f"{names[rows[place]]} and {names[columns[place]]} are {how} ({value})"
