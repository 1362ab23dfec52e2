"""From tokens to a sentence: the weight of every token, and what the weights make of the neurons."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from neuronxa_core.analyses.worked_example import WorkedExample, pooling_weights
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import blank, hover
from neuronxa_core.figures.token_rows import token_names
from neuronxa_core.figures.wording import named
from neuronxa_core.interface import listed, local, tr
from neuronxa_core.numbers import decimal
from neuronxa_core.states.sentences import POOLINGS, Pooling

HEIGHT = 440
_NAMED = 30
"""Tokens that have their name under their bar; of more they stand in the hover text."""


def pooling_figure(
    example: WorkedExample, side: int, pair: int, layer: int, pooling: Pooling, theme: Theme = "light"
) -> go.Figure:
    """Above, a bar per token with its weight; below, a bar per neuron with its pooled NAS, 0 to 1.

    The short lines are what the other two poolings make of the same neurons.
    """
    palette, tokens = PALETTES[theme], example.sides[side][pair].tokens
    figure = make_subplots(rows=2, cols=1, vertical_spacing=0.34, row_heights=[0.5, 0.5])
    told = tr("Weight")
    names, weights = token_names(tokens, longest=8), pooling_weights(len(tokens), pooling)
    figure.add_trace(
        go.Bar(
            x=list(range(len(tokens))),
            y=weights,
            name="weights",
            marker={"color": palette.languages[side]},
            **hover(
                f"<b>{name}</b><br>{told} {local(decimal(weight, 4))}"
                for name, weight in zip(names, weights, strict=True)
                for name, weight in zip(names, weights, strict=True)
            ),
        ),
        row=1,
        col=1,
    )
    pooled = {each: example.states(side, pair, layer, each)[0] for each in POOLINGS}
    neurons = [tr("neuron {neuron}", neuron=neuron) for neuron in example.neurons[layer - 1]]
    places = list(range(len(neurons)))
    figure.add_trace(
        go.Bar(
            **{"x": places, "y": pooled[pooling], "name": pooling},
            marker={"color": palette.states["nas"]},
            **_hover(neurons, pooled[pooling], "NAS"),
        ),
        row=2,
        col=1,
    )
    for other in (each for each in POOLINGS if each != pooling):
        figure.add_trace(
            go.Scatter(
                **{"x": places, "y": pooled[other], "name": other, "mode": "markers"},
                marker={"symbol": "line-ew", "size": 10, "line": {"color": palette.ink, "width": 1.5}},
                **_hover(neurons, pooled[other], f"{other}: NAS"),
            ),
            row=2,
            col=1,
        )
    _lay_out(figure, names, theme)
    return figure


def _lay_out(figure: go.Figure, names: Sequence[str], theme: Theme) -> None:
    """Both panels' axes. names: of the tokens."""
    house = blank(theme, HEIGHT, margin={"l": 52, "r": 8, "t": 12, "b": 32}, hovermode="closest").layout
    shared = ("height", "margin", "font", "paper_bgcolor", "plot_bgcolor", "hoverlabel", "hovermode", "showlegend")
    figure.update_layout({name: house[name] for name in shared}, bargap=0.2)
    axis = {name: house.yaxis[name] for name in ("gridcolor", "zeroline", "fixedrange", "tickcolor")}
    title = {"standoff": 4, "font": {"size": 13, "color": PALETTES[theme].muted}}
    figure.update_yaxes(**axis, title={**title, "text": tr("Weight")}, rangemode="tozero", nticks=4, row=1, col=1)
    figure.update_yaxes(**axis, title={**title, "text": "NAS"}, range=[0, 1.04], dtick=0.5, row=2, col=1)
    named = len(names) <= _NAMED
    figure.update_xaxes(showgrid=False, fixedrange=True, zeroline=False, ticks="")
    figure.update_xaxes(
        **{"showticklabels": named, "tickvals": list(range(len(names))), "ticktext": names, "tickangle": -90},
        range=[-1.6, len(names) - 0.4],  # so far from the axis that its 0 has room
        row=1,
        col=1,
    )
    figure.update_xaxes(showticklabels=False, title={**title, "text": tr("Neurons")}, row=2, col=1)


def _hover(neurons: Sequence[str], values: np.ndarray, what: str) -> dict[str, Any]:
    """What is said of each neuron."""
    return hover(
        f"<b>{neuron}</b><br>{what} {decimal(value, 3)}" for neuron, value in zip(neurons, values, strict=True)
    )


def exportable_pooling(example: WorkedExample, side: int, pair: int, layer: int, pooling: Pooling) -> ExportableFigure:
    code = (example.study.source, example.study.target)[side]
    return ExportableFigure(
        f"{example.study.stem}.method.{pooling}.{code}.pair{pair + 1}.layer{layer}",
        tr(
            "{language}, pair {pair}, layer {layer}: tokens weighed by {pooling}",
            language=named(code),
            pair=pair + 1,
            layer=layer,
            pooling=pooling_name(pooling),
        ),
        tr(
            "Above: the weight of each token. Below: the sentence's NAS at each neuron; the short lines are what the "
            "other poolings would give."
        )
        + f" {pooling_finding(example, side, pair, layer, pooling)}",
        example.study.caption,
        lambda theme: pooling_figure(example, side, pair, layer, pooling, theme),
    )


def pooling_finding(example: WorkedExample, side: int, pair: int, layer: int, pooling: Pooling) -> str:
    """How far the neurons move if the tokens are weighed in another way."""
    chosen, _ = example.states(side, pair, layer, pooling)
    moved = {
        each: float(np.abs(chosen - example.states(side, pair, layer, each)[0]).mean())
        for each in POOLINGS
        if each != pooling
    }
    told = [
        tr("{shift} with {pooling}", shift=local(f"{shift:.2f}"), pooling=pooling_name(other))
        for other, shift in moved.items()
    ]
    return tr("On average these neurons move by {shifts}.", shifts=listed(told))


def pooling_name(pooling: Pooling) -> str:
    """How a pooling is called."""
    return {"position": tr("position"), "mean": tr("mean"), "last": tr("last")}[pooling]
