"""Figures that can leave the page: each with the name, the title and the caption that it needs to stand alone.

The pages show a plate, the dialog that saves a picture prints it, and the report of a study is a row of them.
"""

import html
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core import __version__
from neuronxa_core.analyses.language_order import Arrangement
from neuronxa_core.analyses.languages import LanguageMatrix
from neuronxa_core.analyses.neurons import NeuronRates, TokenStates
from neuronxa_core.analyses.projection import Projection
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.alignment import layer_curves
from neuronxa_core.figures.asymmetry import direction_curves, gap_ranking
from neuronxa_core.figures.downstream import accuracy_name, correlation_curves, downstream_scatter
from neuronxa_core.figures.languages import language_heatmap, layer_name, level_comparison, pivot_ranking
from neuronxa_core.figures.models import depth_figure, difference_figure
from neuronxa_core.figures.neurons import overlap_figure, sharing_figure, specific_figure, token_figure
from neuronxa_core.figures.overview import language_ranking, layer_ranking
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, STATE_NAMES, Theme
from neuronxa_core.figures.projection import NUMBER_NAMES, number_curves, projection_panel
from neuronxa_core.figures.settings import ablation_figure, pairs_figure
from neuronxa_core.figures.similarity import (
    MEASURE_TITLES,
    measure_curves,
    similarity_distribution,
    similarity_matrix,
)
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

PAGE, COLUMN = 680, 400
"""Widths of a printed figure in CSS pixels, 96 to the inch: 180 mm across a page, and 106 mm for what is square."""
DPI = 300
_LINE, _LETTER = 15, 5.5
"""Pixels of a line and of an average letter of the caption."""


@dataclass(frozen=True)
class Plate:
    """A figure that knows what it shows.

    stem: a file name without its suffix. note: how to read it, in a sentence. source: the study, as a caption.
    draw: the figure in a theme. width: in print, CSS pixels.
    """

    stem: str
    title: str
    note: str
    source: str
    draw: Callable[[Theme], go.Figure]
    width: int = PAGE


def printed(plate: Plate, theme: Theme = "light") -> go.Figure:
    """The figure at print size on its own ground, title and caption above it, without what only a screen can use."""
    figure = standing(plate, theme)
    palette = PALETTES[theme]
    lines = _caption(plate)
    room = len(lines) * _LINE + 34
    text = "<br>".join(
        [f"<b>{_plain(plate.title)}</b>"]
        + [f"<span style='font-size:11px;color:{palette.muted}'>{_plain(line)}</span>" for line in lines]
    )
    height, margin = figure.layout.height + room, figure.layout.margin
    figure.update_layout(
        width=plate.width,
        height=height,
        autosize=False,
        paper_bgcolor=palette.ground,
        margin={"t": margin.t + room} | {side: max(margin[side], 12) for side in "lrb"},
        title={
            "text": text,
            "font": {"size": 14, "color": palette.ink},
            **{"xref": "container", "x": 0, "xanchor": "left", "pad": {"l": 8}},
            **{"yref": "container", "y": 1 - 18 / height, "yanchor": "top"},
        },
    )
    return figure


def standing(plate: Plate, theme: Theme = "light") -> go.Figure:
    """The figure without the click targets, buttons and frames that only a page can use."""
    drawn = plate.draw(theme)
    figure = go.Figure(data=[trace for trace in drawn.data if trace.name != "cells"], layout=drawn.layout)
    figure.layout.updatemenus = ()
    return figure


def preview(plate: Plate, theme: Theme, height: int) -> go.Figure:
    """The figure small, to look at and not to touch: no hover, no colour bar."""
    figure = standing(plate, theme).update_layout(height=height, hovermode=False)
    figure.update_layout(margin={"b": min(figure.layout.margin.b or 0, 8)})  # no room for buttons
    return figure.update_traces(showscale=False, selector={"type": "heatmap"})


def _caption(plate: Plate) -> list[str]:
    letters = int((plate.width - 16) / _LETTER)
    return [
        line
        for text in (plate.note, f"{plate.source} · NeuronXA Explorer {__version__}")
        for line in textwrap.wrap(text, letters)
    ]


def _plain(text: str) -> str:
    return html.escape(text, quote=False)


def names(study: Study) -> str:
    return f"{language(study.source).name} and {language(study.target).name}"


def curves_plate(result: StudyResult) -> Plate:
    return Plate(
        f"{result.study.stem}.alignment",
        f"Alignment by layer: {names(result.study)}",
        "Share of sentence pairs that are each other's only nearest neighbour by cosine; bands are 95 % intervals, rings "
        "the peaks, the dotted line what chance gives.",
        result.study.caption,
        lambda theme: layer_curves(result, theme),
    )


def direction_plate(result: StudyResult, state: State, layer: int) -> Plate:
    return Plate(
        f"{result.study.stem}.directions.{state}",
        f"Both directions by layer, {STATE_NAMES[state]}: {names(result.study)}",
        "Above: share of sentences whose nearest neighbour is their translation (P@1), each way. Below: the gap between "
        "the two in points, with its 95 % interval from paired outcomes.",
        result.study.caption,
        lambda theme: direction_curves(result, state, layer, theme),
    )


def gaps_plate(results: Sequence[StudyResult]) -> Plate:
    study = results[0].study
    return Plate(
        f"{study.stem}.gaps",
        f"Direction gap by language, against {language(study.target).name}",
        "P@1 from the language minus P@1 back, in points, mean over layers, with 95 % intervals; dotted: the largest gap "
        "of embeddings that the paper reports (on Tatoeba).",
        _shared(study),
        lambda theme: gap_ranking(results, theme),
    )


def matrix_plate(
    study: Study,
    similarity: NDArray[np.floating],
    state: State,
    layer: int,
    order: Sequence[int],
    cell: tuple[int, int] | None = None,
    scale: tuple[float, float] | None = None,
) -> Plate:
    return Plate(
        f"{study.stem}.layer{layer}.{state}.similarity",
        f"Cosine similarity by {STATE_NAMES[state]} at layer {layer}",
        f"Down: {language(study.source).name}; across: {language(study.target).name}; {len(order)} sentences each. The "
        "diagonal holds the translations.",
        study.caption,
        lambda theme: similarity_matrix(similarity, state, order, cell, scale, theme),
        COLUMN,
    )


def distribution_plate(study: Study, matrices: Mapping[State, NDArray[np.floating]], layer: int) -> Plate:
    return Plate(
        f"{study.stem}.layer{layer}.distribution",
        f"How cosines are spread at layer {layer}: {names(study)}",
        "Filled: cosines of translations; dotted: of all other sentences. Heights are densities, each row on its own scale.",
        study.caption,
        lambda theme: similarity_distribution(dict(matrices), theme),
    )


def measure_plate(study: Study, measures: pd.DataFrame, measure: str, layer: int) -> Plate:
    return Plate(
        f"{study.stem}.{measure}",
        f"{MEASURE_TITLES[measure]}, {names(study)}",
        f"By layer and state; the dotted line is layer {layer}.",
        study.caption,
        lambda theme: measure_curves(measures, measure, layer, theme),
    )


def projection_plate(
    projection: Projection, bitext: Bitext, layer: int, pair: int | None = None, lines: bool = False
) -> Plate:
    settings = projection.settings
    how = (
        f"UMAP of all layers together, {settings.neighbours} neighbours, min_dist {settings.min_dist:g}, {settings.metric} "
        f"metric, seed {settings.seed}"
        if settings.method == "umap"
        else "PCA"
    )
    trust = float(projection.table.set_index("layer").loc[layer, "trustworthiness"])
    return Plate(
        f"{projection.study.stem}.layer{layer}.{projection.state}.{settings.method}",
        f"Sentences by {STATE_NAMES[projection.state]} at layer {layer}: {names(projection.study)}",
        f"A point is a sentence. {how}; trustworthiness {trust:.2f}. The axes have no unit.",
        projection.study.caption,
        lambda theme: projection_panel(projection, bitext, layer, pair, lines, theme),
        COLUMN + 120,
    )


def numbers_plate(projections: Sequence[Projection], number: str, layer: int) -> Plate:
    study = projections[0].study
    return Plate(
        f"{study.stem}.{number}",
        f"{NUMBER_NAMES[number]}, {names(study)}",
        f"By layer and state, in the original space; the dotted line is layer {layer}.",
        study.caption,
        lambda theme: number_curves(projections, number, layer, theme),
    )


def languages_plate(matrix: LanguageMatrix, arrangement: Arrangement, state: State, layer: int | None) -> Plate:
    return Plate(
        f"{matrix.stem}.{state}.{_layer_stem(layer)}.languages",
        f"Every language against every other: {STATE_NAMES[state]}, {layer_name(layer)}",
        "A cell is the share of sentence pairs that are each other's only nearest neighbour by cosine. Long-tail languages "
        "stand in italics.",
        _shared(matrix.study, both=True),
        lambda theme: language_heatmap(matrix, arrangement, state, layer, theme),
    )


def pivot_plate(matrix: LanguageMatrix, scores: pd.DataFrame, pivot: str, layer: int | None) -> Plate:
    return Plate(
        f"{matrix.stem}.{pivot}.{_layer_stem(layer)}.ranking",
        f"{language(pivot).name} against every other language, {layer_name(layer)}",
        "Share of sentence pairs that are each other's only nearest neighbour; the grey line is what NAS gains over the "
        "embedding. Long-tail languages stand in italics.",
        _shared(matrix.study, both=True),
        lambda theme: pivot_ranking(scores, layer, theme),
    )


def levels_plate(
    matrix: LanguageMatrix, scores: pd.DataFrame, summary: pd.DataFrame, pivot: str, layer: int | None
) -> Plate:
    return Plate(
        f"{matrix.stem}.{pivot}.{_layer_stem(layer)}.levels",
        f"Head and long-tail languages against {language(pivot).name}, {layer_name(layer)}",
        "Mean scores with 95 % intervals, languages resampled; the faint marks are single languages.",
        _shared(matrix.study, both=True),
        lambda theme: level_comparison(scores, summary, layer, theme),
    )


def ablation_plate(study: Study, table: pd.DataFrame, state: State) -> Plate:
    return Plate(
        f"{study.stem}.ablation.{state}",
        f"{SCORE_NAMES[state]} when one choice is changed: {names(study)}",
        "Means over layers with 95 % intervals; filled where the difference to the study as it is excludes 0, pairs resampled.",
        study.caption,
        lambda theme: ablation_figure(table, state, theme),
    )


def pairs_plate(study: Study, pairs: pd.DataFrame, column: str) -> Plate:
    ranks = column == "rank_correlation"
    return Plate(
        f"{study.stem}.pairs.{column}",
        "Do fewer pairs order the languages alike?" if ranks else f"How many pairs are enough: {names(study)}",
        "Spearman correlation over languages between the scores from the first pairs and from all."
        if ranks
        else "Mean score over layers from the first pairs, with 95 % intervals; fewer pairs have fewer rivals, so scores start high.",
        _shared(study) if ranks else study.caption,
        lambda theme: pairs_figure(pairs, column, theme),
    )


def sharing_plate(study: Study, table: pd.DataFrame, languages: int, threshold: float) -> Plate:
    return Plate(
        f"{study.stem}.neurons.sharing",
        f"Neurons shared by {languages} languages, layer by layer",
        f"A neuron is active in a language if it is on at more than {100 * threshold:.0f} % of its tokens.",
        _shared(study, both=True),
        lambda theme: sharing_figure(table, theme),
    )


def overlap_plate(study: Study, overlap: NDArray[np.float64], codes: Sequence[str], where: str) -> Plate:
    return Plate(
        f"{study.stem}.neurons.overlap",
        f"Overlap of active neurons, {where}",
        "Jaccard index: neurons active in both languages over neurons active in either.",
        _shared(study, both=True),
        lambda theme: overlap_figure(overlap, codes, theme),
        COLUMN + 120,
    )


def specific_plate(study: Study, table: pd.DataFrame, rates: NeuronRates) -> Plate:
    return Plate(
        f"{study.stem}.neurons.specific",
        "Language-specific neurons by layer",
        "How many of the neurons with the lowest entropy over languages (LAPE) are most active in each language.",
        _shared(study, both=True),
        lambda theme: specific_figure(table, rates, theme),
    )


def token_plate(study: Study, states: TokenStates, neurons: Sequence[int], code: str, pair: int, layer: int) -> Plate:
    return Plate(
        f"{study.stem}.tokens.{code}.pair{pair + 1}.layer{layer}",
        f"{language(code).name}, line {pair + 1} of the study, layer {layer}: tokens by neurons",
        "Blue: positive activation, NAS 1; orange: negative, NAS 0. Below, what pooling makes of the columns.",
        study.caption,
        lambda theme: token_figure(states, neurons, theme),
    )


def depth_plate(study: Study, curves: pd.DataFrame, state: State) -> Plate:
    return Plate(
        f"{study.stem}.depth.{state}",
        f"{SCORE_NAMES[state]} over relative depth: {names(study)}",
        "Share of sentence pairs that are each other's only nearest neighbour by cosine; a line for each model or setting.",
        study.caption,
        lambda theme: depth_figure(curves, state, theme),
    )


def difference_plate(study: Study, table: pd.DataFrame, state: State, variant: str, reference: str) -> Plate:
    return Plate(
        f"{study.stem}.difference.{state}",
        f"What languages gain by {variant} over {reference}: {SCORE_NAMES[state]}",
        "Difference of the means over layers, with 95 % intervals, pairs resampled; filled where the interval excludes 0.",
        _shared(study),
        lambda theme: difference_figure(table, state, theme),
    )


def downstream_plate(study: Study, table: pd.DataFrame, state: State, benchmark: str) -> Plate:
    return Plate(
        f"{study.stem}.downstream.{state}",
        f"{SCORE_NAMES[state]} against {accuracy_name(benchmark).lower()}",
        f"A point is a language against {language(study.target).name}; long-tail languages are open; the line is that of least squares.",
        _shared(study),
        lambda theme: downstream_scatter(table, state, benchmark, theme),
        COLUMN,
    )


def correlation_plate(study: Study, layers: pd.DataFrame, method: str, benchmark: str) -> Plate:
    return Plate(
        f"{study.stem}.downstream.layers",
        f"Which layer's scores go with {accuracy_name(benchmark).lower()}",
        f"{method.capitalize()} correlation over languages, layer by layer; bands are 95 % intervals, languages resampled.",
        _shared(study),
        lambda theme: correlation_curves(layers, method, theme),
    )


def ranking_plate(results: Sequence[StudyResult]) -> Plate:
    study = results[0].study
    return Plate(
        f"{study.stem}.ranking",
        f"Which languages stay close to {language(study.target).name}",
        "NASCA (neuron states) and MEXA (embeddings), means over layers, with 95 % intervals. Long-tail languages stand in "
        "italics.",
        _shared(study),
        lambda theme: language_ranking(results, theme),
    )


def layers_plate(results: Sequence[StudyResult], state: State) -> Plate:
    study = results[0].study
    return Plate(
        f"{study.stem}.layers.{state}",
        f"Every language through the layers: {STATE_NAMES[state]} against {language(study.target).name}",
        "A cell is the share of sentence pairs that are each other's only nearest neighbour at that layer.",
        _shared(study),
        lambda theme: layer_ranking(results, state, theme),
    )


def _shared(study: Study, both: bool = False) -> str:
    """The study's caption without the language, or the languages, that are not shared."""
    pair = f"{study.source} → {study.target}"
    return study.caption.replace(f"{pair} · ", "" if both else f"to {study.target} · ")


def _layer_stem(layer: int | None) -> str:
    return "mean" if layer is None else f"layer{layer}"
