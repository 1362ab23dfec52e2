"""One layer's cosines: the matrix, its distribution, and the measures of the space through the layers."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.similarity import Measure, absent_measures, drawn_measures
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import draw_curves, ends, label_ends, state_curve
from neuronxa_core.figures.export import COLUMN, ExportableFigure, pair_name
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, Theme, translucent
from neuronxa_core.figures.style import blank, click_targets, upright
from neuronxa_core.metrics.geometry import anisotropy, margins
from neuronxa_core.numbers import decimal, score
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

MOST_SHOWN = 150
"""Pairs in one picture; more would ship megabytes for cells smaller than a pixel."""
_SIDE = 330


def similarity_matrix(
    similarity: NDArray[np.floating],
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
    values = similarity[np.ix_(shown, shown)].astype(np.float32)
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
            customdata=np.stack([shown[rows] + 1, shown[columns] + 1, values.ravel()], axis=1).astype(np.float32),
            hovertemplate=(
                "source %{customdata[0]} × target %{customdata[1]}<br>cosine %{customdata[2]:.3f}<extra></extra>"
            ),
        )
    )


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


def similarity_distribution(matrices: dict[State, NDArray[np.floating]], theme: Theme = "light") -> go.Figure:
    """The distribution of the cosines of translations (filled) and of all other sentences (line), one row per state.

    Heights are densities, each row on its own scale. A narrow heap of both near 1 is what anisotropy looks like.
    """
    palette = PALETTES[theme]
    figure = blank(theme, 110 * len(matrices) + 70, margin={"l": 8, "r": 8, "t": 8, "b": 8}, hovermode="closest")
    low = min(float(matrix.min()) for matrix in matrices.values())
    edges = np.linspace(min(low, 0.0), 1.0, 81)
    middle = (edges[:-1] + edges[1:]) / 2
    for row, (state, matrix) in enumerate(reversed(list(matrices.items()))):
        colour = palette.states[state]
        parallel = matrix.diagonal()
        others = matrix[~np.eye(len(matrix), dtype=bool)]
        heights = [np.histogram(values, edges, density=True)[0] for values in (parallel, others)]
        top = max(float(height.max()) for height in heights) or 1.0
        for name, height, fill in (("other sentences", heights[1], 0.0), ("translations", heights[0], 0.35)):
            figure.add_trace(
                go.Scatter(
                    x=[middle[0], *middle, middle[-1]],
                    y=[row, *(row + 0.85 * height / top), row],
                    mode="lines",
                    line={"color": colour, "width": 1.6, "shape": "hvh", "dash": "solid" if fill else "dot"},
                    fill="toself",
                    fillcolor=translucent(colour, fill),
                    name=f"{STATE_NAMES[state]}, {name}",
                    hovertemplate=f"{STATE_NAMES[state]}, {name}<br>cosine %{{x:.2f}}<extra></extra>",
                )
            )
        figure.add_annotation(
            x=edges[0],
            y=row + 0.6,
            text=f"<b>{STATE_NAMES[state]}</b>  translations {score(parallel.mean())}, others {score(others.mean())}",
            xanchor="left",
            showarrow=False,
            font={"color": colour, "size": 14},
            bgcolor=translucent(palette.ground, 0.7),
        )
    figure.update_xaxes(title_text="Cosine similarity<br>filled: translations; dotted: all other sentences")
    figure.update_yaxes(visible=False, range=[-0.05, len(matrices)])
    return figure


def measure_curves(measures: pd.DataFrame, measure: Measure, layer: int, theme: Theme = "light") -> go.Figure:
    """One measure of the space against the layer, one curve per state, with the layer that is looked at marked."""
    palette = PALETTES[theme]
    last = int(measures["layer"].max())
    title = textwrap.wrap(measure.title, 40)  # it stands in a third of a page
    figure = blank(theme, 260, margin={"l": 8, "r": 84, "t": 16 + 18 * len(title), "b": 8}, hovermode="closest")
    upright(figure, layer, color=palette.muted, width=1, dash="dot")
    low, high = float(measures[measure.name].min()), float(measures[measure.name].max())
    room = (high - low) or 1.0
    curves = []
    for state in STATES:
        rows = measures[measures["state"] == state]
        hover = {"hovertemplate": f"{STATE_NAMES[state]}, layer %{{x}}: %{{y:.2f}}<extra></extra>"}
        x, y = rows["layer"].to_numpy(), rows[measure.name].to_numpy()
        curves.append(state_curve(state, theme, x=x, y=y, width=2, size=5, more=hover))
    draw_curves(figure, curves, theme)
    label_ends(figure, ends(curves), room * 0.1, low, high, size=13, x=last)
    figure.update_xaxes(title_text="Layer", range=[-0.5, last + 0.5])
    figure.update_yaxes(range=[low - 0.06 * room, high + 0.08 * room])
    figure.add_annotation(
        text=f"<b>{'<br>'.join(title)}</b>",
        align="left",
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        yshift=8 + 18 * len(title),
        xanchor="left",
        showarrow=False,
    )
    return figure


def exportable_matrix(
    study: Study,
    similarity: NDArray[np.floating],
    state: State,
    layer: int,
    order: Sequence[int],
    cell: tuple[int, int] | None = None,
    scale: tuple[float, float] | None = None,
) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.layer{layer}.{state}.similarity",
        f"Cosine similarity by {STATE_NAMES[state]} at layer {layer}",
        f"Rows: {language(study.source).name}; columns: {language(study.target).name}; {len(order)} sentences each. "
        "The diagonal holds the translations.",
        study.caption,
        lambda theme: similarity_matrix(similarity, state, order, cell, scale, theme),
        COLUMN,
    )


def exportable_distribution(
    study: Study, matrices: Mapping[State, NDArray[np.floating]], layer: int
) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.layer{layer}.distribution",
        f"Distribution of cosines at layer {layer}: {pair_name(study)}",
        "Filled: cosines of translations; dotted: of all other sentence pairs. Heights are densities, each row on its "
        "own scale.",
        study.caption,
        lambda theme: similarity_distribution(dict(matrices), theme),
    )


def exportable_measure(study: Study, measures: pd.DataFrame, measure: Measure, layer: int) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.{measure.name}",
        f"{measure.title}, {pair_name(study)}",
        f"By layer and state; the dotted line is layer {layer}.",
        study.caption,
        lambda theme: measure_curves(measures, measure, layer, theme),
    )


def similarity_finding(result: StudyResult | Study, matrices: Mapping[State, NDArray[np.float64]], layer: int) -> str:
    """What one layer's matrices show: who is aligned, and how far translations stand out from all other sentences."""
    parts = []
    for state, similarity in matrices.items():
        aligned = int((margins(similarity) > 0).sum())
        parts.append(
            f"{STATE_NAMES[state]}: {aligned} of {result.pairs} pairs aligned, mean cosine "
            f"{score(similarity.diagonal().mean())} for translations and {score(anisotropy(similarity))} for all other "
            "sentences"
        )
    return f"Layer {layer}. " + "; ".join(parts) + "."


def space_finding(measures: pd.DataFrame) -> str:
    """What the measures of the space say about neurons and embeddings, over all layers; of those that the table has."""
    means = measures.groupby("state").mean(numeric_only=True)
    said = [
        measure.finding.format(**{state: score(means.loc[state, measure.name]) for state in ("nas", "embedding")})
        for measure in drawn_measures(measures)
        if measure.finding and means.loc[["nas", "embedding"], measure.name].notna().all()
    ]
    if {"anisotropy", "effective_rank"} <= set(means.loc[["nas", "embedding"]].dropna(axis=1)):
        said.insert(0, _crowding(means.loc["nas"], means.loc["embedding"]))
    return " ".join(said)


def _crowding(nas: pd.Series, embedding: pd.Series) -> str:
    apart = embedding["anisotropy"] - nas["anisotropy"]
    crowded = "as anisotropic as" if apart == 0 else f"{'more' if apart > 0 else 'less'} anisotropic than"
    return (
        f"Averaged over the layers, the embeddings are {crowded} the neuron states: sentences that are not "
        f"translations of each other have a mean cosine of {score(embedding['anisotropy'])} in embeddings and of "
        f"{score(nas['anisotropy'])} in NAS. The effective rank is {decimal(embedding['effective_rank'], 0)} in "
        f"embeddings and {decimal(nas['effective_rank'], 0)} in NAS."
    )


def absence(measures: pd.DataFrame) -> str:
    """Which measures the table has no column for, and the command that adds them; empty if it has them all."""
    labels = [measure.label for measure in absent_measures(measures)]
    if not labels:
        return ""
    names = " and ".join([", ".join(labels[:-1]), labels[-1]] if labels[1:] else labels)
    are, them = ("are", "them") if labels[1:] else ("is", "it")
    return (
        f"{names} {are} not among the precomputed measures of this pair; "
        f"`python -m neuronxa_core gallery --only layers` adds {them}."
    )
