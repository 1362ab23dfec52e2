"""How the space is used: its measures through the layers."""

import textwrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.space import HIGH, LOW, Measure, absent_measures, drawn_measures
from neuronxa_core.figures.curves import draw_curves, ends, label_ends, state_curve
from neuronxa_core.figures.export import ExportableFigure, pair_name
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, Theme
from neuronxa_core.figures.style import blank, hover, layer_step, level, upright
from neuronxa_core.figures.wording import in_a_row
from neuronxa_core.numbers import CONFIDENCE, decimal, score
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.study import Study


def measure_curves(measures: pd.DataFrame, measure: Measure, layer: int, theme: Theme = "light") -> go.Figure:
    """One measure of the space against the layer, one curve per state, with the layer that is looked at marked.

    Bands: 95 percent intervals, for measures that have them; dotted across: what chance gives, if that is one number.
    """
    palette = PALETTES[theme]
    last = int(measures["layer"].max())
    title = textwrap.wrap(measure.title, 40)  # it stands in a third of a page
    figure = blank(theme, 260, margin={"l": 8, "r": 84, "t": 16 + 18 * len(title), "b": 8}, hovermode="closest")
    upright(figure, layer, color=palette.muted, width=1, dash="dot")
    low, high = _range(measures, measure)
    room = (high - low) or 1.0
    curves = []
    for state in STATES:
        rows = measures[measures["state"] == state]
        x, y = rows["layer"].to_numpy(), rows[measure.name].to_numpy()
        told = hover(f"{STATE_NAMES[state]}, layer {at}: {decimal(value)}" for at, value in zip(x, y, strict=True))
        band = {
            side: rows[f"{measure.name}{end}"].to_numpy()
            for side, end in (("low", LOW), ("high", HIGH))
            if f"{measure.name}{end}" in rows
        }
        curves.append(state_curve(state, theme, x=x, y=y, **band, width=2, size=5, more=told))
    if measure.chance is not None:
        level(figure, measure.chance, color=palette.muted, width=1, dash="dot")
    draw_curves(figure, curves, theme)
    label_ends(figure, ends(curves), room * 0.1, low, high, size=13, x=last)
    figure.update_xaxes(title_text="Layer", range=[-0.5, last + 0.5], dtick=layer_step(last))
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


def _range(measures: pd.DataFrame, measure: Measure) -> tuple[float, float]:
    """What the axis of a measure must show: its values, its intervals, what chance gives, and its own least range."""
    columns = [name for name in (measure.name, f"{measure.name}{LOW}", f"{measure.name}{HIGH}") if name in measures]
    values = measures[columns].to_numpy(np.float64).ravel()
    values = np.append(values[np.isfinite(values)], [] if measure.chance is None else [measure.chance])
    if not len(values):
        return 0.0, 1.0
    return min(float(values.min()), measure.axis[0]), max(float(values.max()), measure.axis[1])


def exportable_measure(study: Study, measures: pd.DataFrame, measure: Measure, layer: int) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.{measure.name}",
        f"{measure.title}, {pair_name(study)}",
        f"By layer and state; the dotted line is layer {layer}.{_bands(measures, measure)}",
        study.caption,
        lambda theme: measure_curves(measures, measure, layer, theme),
    )


def _bands(measures: pd.DataFrame, measure: Measure) -> str:
    """What is drawn beside the curves, beginning with a space."""
    bands = f" Bands: {CONFIDENCE} intervals over pairs." if f"{measure.name}{LOW}" in measures else ""
    return bands if measure.chance is None else f"{bands} Dotted across: chance."


def space_finding(measures: pd.DataFrame) -> str:
    """What the measures of the space say about neurons and embeddings, over all layers; of those that the table has."""
    means = measures.groupby("state").mean(numeric_only=True)
    said = [
        measure.finding.format(**{state: decimal(means.loc[state, measure.name]) for state in ("nas", "embedding")})
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
    are, them = ("are", "them") if labels[1:] else ("is", "it")
    return (
        f"{in_a_row(labels)} {are} not among the precomputed measures of this pair; "
        f"`python -m neuronxa_core gallery --only layers` adds {them}."
    )
