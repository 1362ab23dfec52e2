"""The rows of the picture of one sentence: its tokens' activations, and below them what pooling makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from neuronxa_core.analyses.neurons import TokenStates
from neuronxa_core.figures.palette import PALETTES, Theme, score_scale
from neuronxa_core.figures.style import blank, click_targets, hover, score_bar
from neuronxa_core.numbers import decimal

_LONGEST = 14
_NAMES, _BELOW = 130, 96
"""Pixels left of the rows, the same for every sentence so that neurons stand above each other; and below them."""


@dataclass(frozen=True)
class TokenRows:
    """Rows of the token figure that share a colour scale: values, names, the scale with its ends, and what they are."""

    values: NDArray[np.float32]
    names: list[str]
    scale: list[list[float | str]]
    low: float
    high: float
    what: str

    def heatmap(self, neurons: Sequence[int], **more: Any) -> go.Heatmap:
        return go.Heatmap(
            x=list(range(len(neurons))),
            y=list(range(len(self.names))),
            z=np.asarray(self.values, dtype=np.float32),
            zmin=self.low,
            zmax=self.high,
            colorscale=self.scale,
            hoverinfo="skip",
            **{"showscale": False, **more},
        )

    def targets(self, neurons: Sequence[int]) -> go.Scatter:
        """A target over each cell, which says what is in it and carries its neuron."""
        places = [(row, column) for row in range(len(self.names)) for column in range(len(neurons))]
        return click_targets(
            x=[column for _, column in places],
            y=[row for row, _ in places],
            customdata=[[int(neurons[column])] for _, column in places],
            **hover(
                f"<b>neuron {neurons[column]}</b><br>{self.what} {decimal(float(self.values[row, column]), 3)}"
                for row, column in places
            ),
        )


def token_rows(
    states: TokenStates, chosen: list[int], theme: Theme, most: float | None = None
) -> tuple[TokenRows, TokenRows, TokenRows]:
    """The tokens' activations, the pooled NAV and the pooled NAS."""
    palette = PALETTES[theme]
    values, nav, nas = states.activations[:, chosen], states.nav[None, chosen], states.nas[None, chosen]
    most = most or float(np.abs(values).max()) or 1.0
    diverging: list[list[float | str]] = [
        [0.0, palette.states["nav"]],
        [0.5, palette.ground],
        [1.0, palette.states["nas"]],
    ]
    tokens = token_names(states.tokens)
    return (
        TokenRows(values, tokens, diverging, -most, most, "activation"),
        TokenRows(nav, ["NAV"], score_scale("nav", theme), 0.0, float(nav.max()) or 1.0, "pooled NAV"),
        TokenRows(nas, ["NAS"], score_scale("nas", theme), 0.0, 1.0, "pooled NAS"),
    )


def token_names(tokens: Sequence[str], longest: int = _LONGEST) -> list[str]:
    """Each token under its number, cut to `longest` letters, as a tick of a figure takes it."""
    return [f"{number}  {plain(_cut(token.strip() or repr(token), longest))}" for number, token in enumerate(tokens, 1)]


def _cut(token: str, longest: int) -> str:
    return token if len(token) <= longest else f"{token[: longest - 1]}…"


def token_figure(
    states: TokenStates, neurons: Sequence[int], theme: Theme = "light", most: float | None = None
) -> go.Figure:
    """Tokens (down) x neurons (across): a sentence's activations at one layer, and below them its pooled NAV and NAS.

    neurons: which, in order. Colours of activations run from -most over 0 to most; without it, to the largest one.
    """
    chosen = list(neurons)
    rows = 17 * len(states.tokens)
    height = rows + _BELOW + 64
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=14 / height, row_heights=[rows, 20, 20])
    bar = score_bar(0.6, dtick=None, nticks=5, tickformat=".2~g", title="Activation")
    parts = token_rows(states, chosen, theme, most)
    for row, part in enumerate(parts, start=1):
        scale = {"showscale": True, "colorbar": bar} if row == 1 else {}
        figure.add_trace(part.heatmap(chosen, **scale), row=row, col=1)
        names = {"tickvals": list(range(len(part.names))), "ticktext": part.names}
        figure.update_yaxes(**names, range=[len(part.names) - 0.5, -0.5], row=row, col=1)
    for row, part in enumerate(parts, start=1):
        figure.add_trace(part.targets(chosen), row=row, col=1)
    margin = {"l": _NAMES, "r": 8, "t": 8, "b": _BELOW}
    house = blank(theme, height, margin=margin, hovermode="closest").layout
    shared = ("height", "margin", "font", "paper_bgcolor", "plot_bgcolor", "hoverlabel", "hovermode")
    figure.update_layout({name: house[name] for name in shared})
    across = {"range": [-0.5, len(chosen) - 0.5], "showticklabels": False}
    figure.update_xaxes(showgrid=False, zeroline=False, ticks="", fixedrange=True, **across)
    figure.update_yaxes(showgrid=False, zeroline=False, ticks="", fixedrange=True, automargin=False)
    title = {"text": "Neurons, highest NAV first", "font": {"size": 13, "color": PALETTES[theme].muted}}
    figure.update_xaxes(title=title, row=3, col=1)
    return figure


def plain(text: str) -> str:
    """A text in which plotly finds no markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
