"""The numbers that keep a projection honest, layer by layer, and what they say."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.projection import Projection
from neuronxa_core.analyses.umap import NEIGHBOURS, NUMBERS
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import draw_curves, state_curve
from neuronxa_core.figures.export import ExportableFigure, pair_name
from neuronxa_core.figures.palette import (
    PALETTES,
    STATE_NAMES,
    Theme,
)
from neuronxa_core.figures.style import blank, hover, layer_step, upright
from neuronxa_core.figures.wording import ties, within
from neuronxa_core.numbers import count, percent, score

NUMBER_NAMES: dict[str, str] = dict(
    zip(
        NUMBERS,
        (
            "Aligned pairs",
            "P@1 source → target",
            "P@1 target → source",
            "Cross-lingual neighbours",
            "Silhouette by language",
            "Silhouette in the picture",
            "Trustworthiness",
        ),
        strict=True,
    )
)
_TRUSTED = 0.9


def number_curves(projections: Sequence[Projection], number: str, layer: int, theme: Theme = "light") -> go.Figure:
    """One of NUMBERS against layer, a curve per state; the upright line is the layer in view."""
    palette = PALETTES[theme]
    figure = blank(theme, 210, margin={"l": 8, "r": 12, "t": 32, "b": 8}, hovermode="closest")
    upright(figure, layer, color=palette.muted, width=1.2, dash="dot")
    curves = []
    for projection in projections:
        table, name = projection.table, STATE_NAMES[projection.state]
        x, y = table["layer"].to_numpy(), table[number].to_numpy()
        told = hover(f"<b>{name}, layer {at}</b><br>{score(value)}" for at, value in zip(x, y, strict=True))
        curves.append(state_curve(projection.state, theme, x=x, y=y, width=2, size=5, more=told))
    draw_curves(figure, curves, theme)
    figure.add_annotation(
        text=f"<b>{NUMBER_NAMES[number]}</b>   " + _states_key(projections, palette.states),
        **{"xref": "paper", "yref": "paper", "x": 0, "y": 1, "yshift": 24},
        xanchor="left",
        showarrow=False,
        font={"size": 13},
    )
    figure.update_xaxes(title_text="Layer", showgrid=False, dtick=layer_step(max(projections[0].layers)))
    figure.update_yaxes(tickformat=".1f", range=_range(number, projections), nticks=6)
    return figure


def _states_key(projections: Sequence[Projection], colours: Mapping[Any, str]) -> str:
    signs = {"nas": "●", "nav": "◆", "embedding": "■"}
    return "  ".join(
        f"<span style='color:{colours[each.state]}'>{signs[each.state]} {STATE_NAMES[each.state]}</span>"
        for each in projections
    )


def _range(number: str, projections: Sequence[Projection]) -> list[float]:
    """From 0 to just above the largest value; lower where a silhouette is negative."""
    values = np.concatenate([each.table[number].to_numpy() for each in projections])
    return [min(-0.02, 1.1 * float(values.min())), max(0.55, 1.1 * float(values.max()))]


def exportable_numbers(projections: Sequence[Projection], number: str, layer: int) -> ExportableFigure:
    study = projections[0].study
    return ExportableFigure(
        f"{study.stem}.{number}",
        f"{NUMBER_NAMES[number]}, {pair_name(study)}",
        f"By layer and state, in the original space; the dotted line marks layer {layer}.",
        study.caption,
        lambda theme: number_curves(projections, number, layer, theme),
    )


def projection_finding(projections: Sequence[Projection], layer: int) -> str:
    """What the numbers say for the layer in view and over all layers. Markdown without links."""
    return " ".join(filter(None, [mixing_finding(projections), trust_finding(projections, layer)]))


def mixing_finding(projections: Sequence[Projection]) -> str:
    """Where, and how far, the languages mix by each state, over all layers."""
    return " ".join(map(_meeting, projections))


def _meeting(projection: Projection) -> str:
    table = projection.table
    best = table.loc[table["foreign_neighbours"].idxmax()]
    share, pairs = best["foreign_neighbours"], projection.pairs
    nearest = count(min(NEIGHBOURS, pairs - 1), "nearest neighbour")
    source, target = language(projection.study.source).name, language(projection.study.target).name
    mixed = percent(pairs / (2 * pairs - 1))
    if share < 0.02:
        return f"By {within(projection.state)}, {source} and {target} stay separate at every layer."
    return (
        f"By {within(projection.state)}, {source} and {target} {_where(table)}: of a sentence's "
        f"{nearest}, {percent(share)} are in the other language ({mixed} if the languages were fully mixed), and "
        f"{percent(best['mutual'])} of the pairs are aligned."
    )


def _where(table: pd.DataFrame) -> str:
    """Where the languages mix most."""
    shares = table["foreign_neighbours"]
    same = ties(shares, shares.max())
    if len(same) == len(table) > 1:
        return "mix equally at every layer, and so at the first"
    return f"mix most at layer {int(table['layer'].iloc[same[0]])}"


def trust_finding(projections: Sequence[Projection], layer: int) -> str:
    """How far the picture of a layer keeps neighbourhoods; empty where no state has that number."""
    shown = [each for each in projections if layer in each.layers and not np.isnan(_trusted(each, layer))]
    values = {STATE_NAMES[each.state]: _trusted(each, layer) for each in shown}
    numbers = ", ".join(f"{name} {score(value)}" for name, value in values.items())
    if not values:
        return ""
    if min(values.values()) < _TRUSTED:
        return (
            f"At layer {layer}, the picture distorts neighbourhoods (trustworthiness {numbers}): trust the numbers "
            "rather than the picture."
        )
    return f"At layer {layer}, the picture preserves most neighbourhoods (trustworthiness {numbers})."


def _trusted(projection: Projection, layer: int) -> float:
    return float(projection.table.set_index("layer").loc[layer, "trustworthiness"])
