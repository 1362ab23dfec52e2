"""One layer's cosines: the matrix and its distribution."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import COLUMN, ExportableFigure, pair_name
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, Theme, translucent
from neuronxa_core.figures.style import blank, click_targets, hover
from neuronxa_core.figures.wording import within
from neuronxa_core.metrics.cosines import BINS, Cosines, cosines_of, edges
from neuronxa_core.numbers import score
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

Layer = NDArray[np.floating] | Cosines
"""The cosines of a layer, as a whole matrix or as they are asked for."""
MOST_SHOWN = 150
"""Pairs in one picture; more would ship megabytes for cells smaller than a pixel."""
_SIDE = 330


def similarity_matrix(
    similarity: Layer,
    state: State,
    order: Sequence[int],
    cell: tuple[int, int] | None = None,
    scale: tuple[float, float] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Cosines of source sentences (down) and target sentences (across), in `order`; translations on the diagonal.

    cell: the (source, target) pair to frame. scale: lowest and highest colour, else those of this matrix. Transparent
    squares lie over the cells, because a click on a heatmap does not reach Streamlit; they carry the sentence numbers.
    """
    palette = PALETTES[theme]
    shown = np.asarray(order[:MOST_SHOWN])
    values = cosines_of(similarity).part(shown, shown).astype(np.float32)
    size = len(shown)
    figure = blank(theme, _SIDE + 70, margin={"l": 4, "r": 4, "t": 30, "b": 8}, dragmode=False, hoverdistance=-1)
    low, high = scale or (float(values.min()), float(values.max()))
    figure.add_trace(
        go.Heatmap(
            z=values,
            zmin=low,
            zmax=high,
            colorscale=_colours(state, theme),
            hoverinfo="skip",
            colorbar={
                "orientation": "h",
                "thickness": 8,
                "y": -0.12,
                "yanchor": "top",
                "tickformat": ".2f" if high - low > 0.05 else ".4f",
                "nticks": 4,
                "len": 1.0,
            },
        )
    )
    _click_targets(figure, values, shown)
    if cell and cell[0] in shown and cell[1] in shown:
        _frame(figure, shown, cell, theme)
    figure.update_xaxes(visible=False, constrain="domain", range=[-0.5, size - 0.5])
    figure.update_yaxes(visible=False, scaleanchor="x", constrain="domain", range=[size - 0.5, -0.5])
    figure.add_annotation(
        text=f"<b>{STATE_NAMES[state]}</b>",
        xref="paper",
        yref="paper",
        x=0.5,
        y=1,
        yshift=22,
        showarrow=False,
        font={"color": palette.states[state], "size": 15},
    )
    return figure


def _click_targets(figure: go.Figure, values: NDArray[np.float32], shown: NDArray[np.int64]) -> None:
    """A square over each cell that carries the numbers of its sentences."""
    size = len(shown)
    rows, columns = np.divmod(np.arange(size * size), size)
    figure.add_trace(
        click_targets(
            x=columns.astype(np.int16),
            y=rows.astype(np.int16),
            customdata=np.stack([shown[rows] + 1, shown[columns] + 1], axis=1).astype(np.int32),
            hovertext=_cosines(values.ravel()),
            hovertemplate="source %{customdata[0]} × target %{customdata[1]}<br>cosine %{hovertext}<extra></extra>",
        )
    )


def _cosines(values: NDArray[np.float32]) -> list[str]:
    """The values as texts; each distinct one is written once, since a matrix may have 250,000."""
    keys = np.where(np.abs(values) < 0.9995, np.round(values, 3), values)
    keys = np.where((keys == 0) & (values != 0), values, keys)
    distinct, place = np.unique(keys, return_inverse=True)
    texts = [score(float(value), 3) for value in distinct]
    return [texts[each] for each in place]


def _frame(figure: go.Figure, shown: NDArray[np.int64], cell: tuple[int, int], theme: Theme) -> None:
    """A frame around the cell, wide enough to be seen in a large matrix."""
    row, column = (int(np.flatnonzero(shown == sentence)[0]) for sentence in cell)
    reach = 0.5 + len(shown) / 80
    figure.add_shape(
        type="rect",
        x0=column - reach,
        x1=column + reach,
        y0=row - reach,
        y1=row + reach,
        line={"color": PALETTES[theme].ink, "width": 2},
    )


def _colours(state: State, theme: Theme) -> list[list[float | str]]:
    """From the page's ground to the state's own colour, dark enough at the end to carry the diagonal."""
    palette = PALETTES[theme]
    end = "#002A44" if state == "nas" else "#4A1A00" if state == "nav" else "#00301F"
    light = theme == "light"
    return [
        [0.0, "#F7F9FB" if light else "#101317"],
        [0.8, palette.states[state]],
        [1.0, end if light else "#FFFFFF"],
    ]


def similarity_distribution(matrices: Mapping[State, Layer], theme: Theme = "light") -> go.Figure:
    """The distribution of the cosines of translations (filled) and of all other sentences (line), one row per state.

    Heights are densities, each row on its own scale. A narrow heap of both near 1 is what anisotropy looks like.
    """
    palette = PALETTES[theme]
    figure = blank(theme, 110 * len(matrices) + 70, margin={"l": 8, "r": 8, "t": 8, "b": 8}, hovermode="closest")
    summaries = {state: cosines_of(matrix).summary for state, matrix in matrices.items()}
    first = BINS + min(0, *(math.floor(BINS * summary.low) for summary in summaries.values()))
    ends = edges()[max(0, first) :]
    middle = (ends[:-1] + ends[1:]) / 2
    across = [middle[0], *middle, middle[-1]]
    for row, (state, summary) in enumerate(reversed(list(summaries.items()))):
        colour = palette.states[state]
        both = (summary.own_counts, summary.other_counts)
        heights = [BINS * counts[max(0, first) :] / counts.sum() for counts in both]
        top = max(float(height.max()) for height in heights) or 1.0
        for name, height, fill in (("other sentences", heights[1], 0.0), ("translations", heights[0], 0.35)):
            figure.add_trace(
                go.Scatter(
                    x=across,
                    y=[row, *(row + 0.85 * height / top), row],
                    mode="lines",
                    line={"color": colour, "width": 1.6, "shape": "hvh", "dash": "solid" if fill else "dot"},
                    fill="toself",
                    fillcolor=translucent(colour, fill),
                    name=f"{STATE_NAMES[state]}, {name}",
                    **hover(f"{STATE_NAMES[state]}, {name}<br>cosine {score(each)}" for each in across),
                )
            )
        figure.add_annotation(
            x=ends[0],
            y=row + 0.6,
            text=f"<b>{STATE_NAMES[state]}</b>  translations {score(summary.own.mean())}, "
            f"others {score(summary.other_mean)}",
            xanchor="left",
            showarrow=False,
            font={"color": colour, "size": 14},
            bgcolor=translucent(palette.ground, 0.7),
        )
    figure.update_xaxes(title_text="Cosine similarity<br>filled: translations; dotted: all other sentences")
    figure.update_yaxes(visible=False, range=[-0.05, len(matrices)])
    return figure


def exportable_matrix(
    study: Study,
    similarity: Layer,
    state: State,
    layer: int,
    order: Sequence[int],
    cell: tuple[int, int] | None = None,
    scale: tuple[float, float] | None = None,
) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.layer{layer}.{state}.similarity",
        f"Cosine similarity by {within(state)} at layer {layer}",
        f"Rows: {language(study.source).name}; columns: {language(study.target).name}; {len(order)} sentences each. "
        "The diagonal holds the translations.",
        study.caption,
        lambda theme: similarity_matrix(similarity, state, order, cell, scale, theme),
        COLUMN,
    )


def exportable_distribution(study: Study, matrices: Mapping[State, Layer], layer: int) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.layer{layer}.distribution",
        f"Distribution of cosines at layer {layer}: {pair_name(study)}",
        "Filled: cosines of translations; dotted: of all other sentence pairs. Heights are densities, each row on its "
        "own scale.",
        study.caption,
        lambda theme: similarity_distribution(matrices, theme),
    )


def similarity_finding(result: StudyResult | Study, matrices: Mapping[State, Layer], layer: int) -> str:
    """What one layer's matrices show: who is aligned, and how far translations stand out from all other sentences."""
    parts = []
    for state, similarity in matrices.items():
        told = cosines_of(similarity).summary
        parts.append(
            f"{STATE_NAMES[state]}: {told.aligned} of {result.pairs} pairs aligned, mean cosine "
            f"{score(told.own.mean())} for translations and {score(told.other_mean)} for all other sentences"
        )
    return f"Layer {layer}. " + "; ".join(parts) + "."
