"""Both directions of a search: P@1 by layer with the gap under it, and the gap of every language."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.asymmetry import direction_gaps, largest_gap, mean_gap
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends
from neuronxa_core.figures.export import ExportableFigure, pair_name, shared_caption
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, translucent
from neuronxa_core.figures.style import (
    blank,
    colour_key,
    hover,
    interval_bars,
    layer_step,
    name_rows,
    signed_ticks,
    upright,
)
from neuronxa_core.figures.wording import few_languages, few_pairs, within
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.numbers import CONFIDENCE, confidence, decimal, interval, points, score, signed, tenths, with_unit
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import StudyResult

PAPERS_GAP = 30.73
"""Points between En to xx and xx to En for embeddings on Tatoeba, at most (Huang et al. 2025, arXiv:2507.14900)."""
CURVES_HEIGHT = 520
_ROW = 24


def direction_curves(result: StudyResult, state: State, layer: int, theme: Theme = "light") -> go.Figure:
    """P@1 (0 to 1) from source to target, solid, and back, dashed; below it their gap in points with its interval."""
    palette = PALETTES[theme]
    colour = palette.states[state]
    rows = direction_gaps(result).query("state == @state")
    layers = result.last_layer
    figure = blank(theme, CURVES_HEIGHT, margin={"l": 8, "r": 104, "t": 16, "b": 8}, hovermode="x unified")
    there_and_back, gap = _direction_curves(result, rows, colour)
    draw_curves(figure, [*there_and_back, gap], theme, strength=0.15)
    reach = max(20.0, float(rows[["gap_low", "gap_high"]].abs().to_numpy().max()) * 1.1)
    figure.update_layout(
        yaxis={
            "domain": [0.46, 1],
            "range": [-0.02, 1.04],
            "title": {"text": "P@1"},
            "dtick": 0.2,
            "tickformat": ".1f",
        },
        yaxis2={**figure.layout.yaxis.to_plotly_json(), "domain": [0, 0.38], "range": [-reach, reach], "anchor": "x"}
        | {
            "title": {"text": "Gap, points", "font": {"size": 13, "color": palette.muted}},
            "dtick": None,
            "tickformat": None,
            **signed_ticks(-reach, reach),
        },
        xaxis={
            "title": {"text": "Layer"},
            "range": [-0.4, layers + 0.4],
            "anchor": "y2",
            "dtick": layer_step(layers) if layers <= 12 else None,
        },
    )
    figure.add_shape(
        type="line", x0=0, x1=1, y0=0, y1=0, xref="paper", yref="y2", line={"color": palette.muted, "width": 1}
    )
    upright(figure, layer, color=palette.muted, width=1, dash="dot")
    label_ends(figure, ends(there_and_back), gap=0.08, low=0.02, high=1.0, size=13, x=layers + 0.4, xshift=6)
    return figure


def _direction_curves(result: StudyResult, rows: pd.DataFrame, colour: str) -> tuple[list[Curve], Curve]:
    """P@1 there, solid, and back, dashed; and on the axis below the gap in points with its interval."""
    layers = rows["layer"].to_numpy()
    there_and_back = [
        Curve(
            name=f"{a} → {b}",
            colour=colour,
            x=layers,
            y=rows[column].to_numpy(),
            width=2.4,
            dash=dash,
            more=hover(f"{a} → {b}: {score(value)}" for value in rows[column]),
        )
        for (a, b), column, dash in zip(
            _directions(result), ("source_to_target", "target_to_source"), ("solid", "dash"), strict=True
        )
    ]
    gap = Curve(
        name="gap",
        colour=colour,
        x=layers,
        y=rows["gap"].to_numpy(),
        low=rows["gap_low"].to_numpy(),
        high=rows["gap_high"].to_numpy(),
        symbol="circle",
        size=6,
        width=1.6,
        more={
            "yaxis": "y2",
            "fill": "tozeroy",
            "fillcolor": translucent(colour, 0.35),
            **hover(
                f"gap {with_unit(signed(gap, 0), 'points')} [{interval(low, high, partial(signed, digits=0))}]"
                for gap, low, high in rows[["gap", "gap_low", "gap_high"]].to_numpy()
            ),
        },
    )
    return there_and_back, gap


def _directions(result: StudyResult) -> tuple[tuple[str, str], tuple[str, str]]:
    source, target = result.study.source[:3], result.study.target[:3]
    return (source, target), (target, source)


def gap_ranking(results: Sequence[StudyResult], theme: Theme = "light") -> go.Figure:
    """The gap of NAS beside that of embeddings, in points, averaged over layers, with 95 percent intervals.

    One row per source language, all against the same target, the largest gap of embeddings on top. Dotted: the largest
    gap of embeddings that the paper reports.
    """
    palette = PALETTES[theme]
    ordered = sorted(results, key=lambda result: abs(mean_gap(result, "embedding")[0]))
    names = _names(ordered)
    figure = blank(theme, _ROW * len(ordered) + 100, margin={"l": 8, "r": 12, "t": 40, "b": 8})
    states: tuple[State, ...] = ("embedding", "nas")
    for state, shift in zip(states, (-0.14, 0.14), strict=True):
        _gap_dots(figure, ordered, state, shift, theme)
    upright(figure, 0, color=palette.muted, width=1)
    for side in (-PAPERS_GAP, PAPERS_GAP):
        upright(figure, side, color=palette.muted, width=1, dash="dot")
    figure.add_annotation(
        x=PAPERS_GAP,
        y=1,
        yref="paper",
        yshift=12,
        text=f"paper: up to {PAPERS_GAP}",
        xanchor="right",
        showarrow=False,
        font={"size": 12, "color": palette.muted},
    )
    colours = palette.states
    colour_key(figure, [(colours["nas"], "● NAS"), (colours["embedding"], "■ Embedding")], yshift=30)
    figure.update_xaxes(
        title_text="Direction gap in points,<br>mean over layers", range=[-38, 38], **signed_ticks(-38, 38, most=4)
    )
    name_rows(figure, names)
    return figure


def _names(results: Sequence[StudyResult]) -> list[str]:
    return [language(result.study.source).name for result in results]


def _gap_dots(figure: go.Figure, ordered: Sequence[StudyResult], state: State, shift: float, theme: Theme) -> None:
    """The gaps of one state with their intervals, a row for each language, a little off the row's middle."""
    colour = PALETTES[theme].states[state]
    gaps = [mean_gap(result, state) for result in ordered]
    figure.add_trace(
        go.Scatter(
            x=[gap for gap, _, _ in gaps],
            y=[row + shift for row in range(len(ordered))],
            mode="markers",
            name=STATE_NAMES[state],
            marker={"color": colour, "symbol": SYMBOLS[state], "size": 8},
            error_x=interval_bars([high - gap for gap, _, high in gaps], [gap - low for gap, low, _ in gaps], colour),
            **hover(
                f"<b>{name}</b><br>{STATE_NAMES[state]} {points(gap)} [{interval(low, high, tenths)}]"
                for name, (gap, low, high) in zip(_names(ordered), gaps, strict=True)
            ),
        )
    )


def exportable_direction(result: StudyResult, state: State, layer: int) -> ExportableFigure:
    return ExportableFigure(
        f"{result.study.stem}.directions.{state}",
        f"Both directions by layer, {STATE_NAMES[state]}: {pair_name(result.study)}",
        "Above: share of sentences whose nearest neighbour is their translation (P@1), in each direction. Below: the "
        f"gap between the two in percentage points, with its {CONFIDENCE} interval (pairs resampled).",
        result.study.caption,
        lambda theme: direction_curves(result, state, layer, theme),
    )


def exportable_gaps(results: Sequence[StudyResult]) -> ExportableFigure:
    study = results[0].study
    return ExportableFigure(
        f"{study.stem}.gaps",
        f"Direction gap by language, against {language(study.target).name}",
        f"P@1 from the language minus P@1 back, in percentage points, mean over layers, with {CONFIDENCE} intervals. "
        "Dotted: the largest gap of embeddings in the paper (on Tatoeba).",
        shared_caption(study),
        lambda theme: gap_ranking(results, theme),
    )


def direction_finding(result: StudyResult, state: State) -> str:
    """Which direction of this pair finds more in one state, where most, and whether the interval leaves 0 out."""
    gap, low, high = mean_gap(result, state)
    layer, largest = largest_gap(result, state)
    source, target = language(result.study.source).name, language(result.study.target).name
    if largest == 0:
        return (
            f"In {within(state)}, there is no gap: at every layer, {source} and {target} find as many of each "
            f"other's sentences.{few_pairs(result.pairs)}"
        )
    if low <= 0 <= high:
        head = f"In {within(state)}, neither direction is better over all layers"
    else:
        first, second = (source, target) if gap > 0 else (target, source)
        head = f"In {within(state)}, more {first} sentences find their {second} translation than vice versa"
    return (
        f"{head}: the gap is {points(gap)} ({source} to {target} minus {target} to {source}; "
        f"{confidence(low, high, tenths, unit='points')}). It is largest at layer {layer}, with {points(largest)}."
        f"{few_pairs(result.pairs)}"
    )


def gap_languages_finding(results: Sequence[StudyResult]) -> str:
    """The paper's claim on direction gaps beside what these languages show, whichever way it comes out."""
    neurons = [abs(mean_gap(result, "nas")[0]) for result in results]
    embeddings = [abs(mean_gap(result, "embedding")[0]) for result in results]
    larger = sum(e > n for n, e in zip(neurons, embeddings, strict=True))
    reported = (
        f"The paper reports a gap of up to {with_unit(str(PAPERS_GAP), 'points')} between the two directions for "
        "embeddings on Tatoeba, and hardly any for NAS. "
    )
    if len(results) == 1:
        return (
            f"{reported}Here, averaged over layers, the gap of {language(results[0].study.source).name} is "
            f"{_size(embeddings[0])} for embeddings and {_size(neurons[0])} for NAS."
        )
    differences = np.array(embeddings) - np.array(neurons)
    apart, (low, high) = float(differences.mean()), bootstrap_interval(differences)
    verdict = (
        "as in the paper"
        if low > 0
        else "the opposite of the paper's result"
        if high < 0
        else "so the paper's contrast is not confirmed here"
    )
    return (
        f"{reported}Here, averaged over layers, the gap of embeddings is at most {_size(max(embeddings))} (mean "
        f"{_size(float(np.mean(embeddings)))}) and that of NAS at most {_size(max(neurons))} (mean "
        f"{_size(float(np.mean(neurons)))}). It is larger for embeddings in {larger} of {len(results)} languages, "
        f"{verdict} (mean difference {points(apart)}, "
        f"{confidence(low, high, tenths, 'languages', 'points')})."
        f"{few_languages(len(results))}"
    )


def _size(gap: float) -> str:
    return with_unit(decimal(gap, 1), "points")
