"""Languages in order of their score: one study each, all of one model and corpus."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, STATE_NAMES, SYMBOLS, Theme, score_scale
from neuronxa_core.figures.style import blank, colour_key, hover, interval_bars, layer_step, name_rows, score_bar
from neuronxa_core.figures.wording import joined_names, ties
from neuronxa_core.numbers import CONFIDENCE, every, interval, score
from neuronxa_core.states.sentences import State, first_layer
from neuronxa_core.study.result import StudyResult

_ROW = 24


def language_ranking(results: Sequence[StudyResult], theme: Theme = "light") -> go.Figure:
    """NASCA and MEXA, 0 to 1, with 95 percent intervals, one row per source language, best NASCA on top.

    Long-tail languages stand in italics.
    """
    ordered = sorted(results, key=lambda result: result.mean("nas"))
    names = [language(result.study.source).name for result in ordered]
    figure = blank(theme, _ROW * len(ordered) + 90, margin={"l": 8, "r": 12, "t": 34, "b": 8})
    for state, shift in (("embedding", -0.14), ("nas", 0.14)):
        _dots(figure, ordered, names, state, shift, theme)  # type: ignore[arg-type]
    figure.update_xaxes(title_text="Mean score over the layers", range=[-0.01, 1.0], tickformat=".1f", dtick=0.2)
    name_rows(figure, [_tick(result) for result in ordered])
    colours = PALETTES[theme].states
    colour_key(figure, [(colours["nas"], "● NASCA"), (colours["embedding"], "■ MEXA")])
    return figure


def _tick(result: StudyResult) -> str:
    """The language's name; long-tail languages in italics."""
    source = language(result.study.source)
    return source.name if source.head else f"<i>{source.name}</i>"


def _dots(
    figure: go.Figure, ordered: Sequence[StudyResult], names: Sequence[str], state: State, shift: float, theme: Theme
) -> None:
    means = [result.mean(state) for result in ordered]
    intervals = [result.mean_interval(state) for result in ordered]
    colour = PALETTES[theme].states[state]
    figure.add_trace(
        go.Scatter(
            x=means,
            y=[row + shift for row in range(len(ordered))],
            mode="markers",
            name=SCORE_NAMES[state],
            marker={"color": colour, "symbol": SYMBOLS[state], "size": 8},
            error_x=interval_bars(
                [high - mean for mean, (_, high) in zip(means, intervals, strict=True)],
                [mean - low for mean, (low, _) in zip(means, intervals, strict=True)],
                colour,
            ),
            **hover(
                f"<b>{name}</b><br>{SCORE_NAMES[state]} {score(mean)}  [{interval(*ends)}]"
                for name, mean, ends in zip(names, means, intervals, strict=True)
            ),
        )
    )


def layer_ranking(results: Sequence[StudyResult], state: State, theme: Theme = "light") -> go.Figure:
    """Score of one state, 0 to 1, by layer (across) and source language (down), best mean on top.

    Long-tail languages stand in italics.
    """
    ordered = sorted(results, key=lambda result: result.mean(state))
    scores = np.stack([result.outcomes[state].mutual.mean(axis=1) for result in ordered])
    figure = blank(theme, 20 * len(ordered) + 112, margin={"l": 8, "r": 12, "t": 8, "b": 64}, hovermode="closest")
    figure.add_trace(
        go.Heatmap(
            x=list(range(first_layer(state), first_layer(state) + scores.shape[1])),
            y=list(range(len(ordered))),
            z=scores.astype(np.float32),
            zmin=0,
            zmax=1,
            colorscale=score_scale(state, theme),
            xgap=1,
            ygap=1,
            **hover(
                [
                    f"<b>{language(result.study.source).name}, layer {layer}</b><br>{STATE_NAMES[state]} score "
                    f"{score(value)}"
                    for layer, value in enumerate(row, first_layer(state))
                ]
                for result, row in zip(ordered, scores, strict=True)
            ),
            colorbar=score_bar(0.9),
        )
    )
    figure.update_xaxes(title_text="Layer", showgrid=False, ticks="", dtick=layer_step(scores.shape[1]))
    figure.update_yaxes(
        tickvals=list(range(len(ordered))),
        ticktext=[_tick(result) for result in ordered],
        showgrid=False,
        ticks="",
        showline=False,
    )
    return figure


def exportable_ranking(results: Sequence[StudyResult]) -> ExportableFigure:
    study = results[0].study
    return ExportableFigure(
        f"{study.stem}.ranking",
        f"Alignment with {language(study.target).name}, language by language",
        f"NASCA (neuron states) and MEXA (embeddings), means over layers, with {CONFIDENCE} intervals. Long-tail "
        "languages are in italics.",
        shared_caption(study),
        lambda theme: language_ranking(results, theme),
    )


def exportable_layers(results: Sequence[StudyResult], state: State) -> ExportableFigure:
    study = results[0].study
    return ExportableFigure(
        f"{study.stem}.layers.{state}",
        f"{STATE_NAMES[state]} score with {language(study.target).name}, by language and layer",
        "Each cell is the share of sentence pairs that are each other's only nearest neighbour at that layer.",
        shared_caption(study),
        lambda theme: layer_ranking(results, state, theme),
    )


def ranking_finding(results: Sequence[StudyResult]) -> str:
    """Which language is closest to the target by NASCA, and which farthest."""
    names = [language(result.study.source).name for result in results]
    scores, target = [result.mean("nas") for result in results], language(results[0].study.target).name
    if len(results) == 1:
        return f"By NASCA, {names[0]}, the only language, scores {score(scores[0])} with {target}."
    if min(scores) == max(scores):
        return f"By NASCA, {every(len(results), 'languages')} are equally close to {target} ({score(scores[0])})."
    closest, farthest = ([names[place] for place in ties(scores, end)] for end in (max(scores), min(scores)))
    return (
        f"By NASCA, {joined_names(closest)} {'is' if len(closest) == 1 else 'are'} closest to {target} "
        f"({score(max(scores))}) and {joined_names(farthest)} farthest from it ({score(min(scores))})."
    )
