"""The rows of the picture of one sentence: its tokens' activations, and below them what pooling makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.neurons import TokenStates
from neuronxa_core.figures.palette import PALETTES, Theme, score_scale


@dataclass(frozen=True)
class TokenRows:
    """Rows of the token figure that share a colour scale: values, names, the scale with its ends, and what they are."""

    values: NDArray[np.float32]
    names: list[str]
    scale: list[list[float | str]]
    low: float
    high: float
    what: str

    def heatmap(self, neurons: Sequence[int]) -> go.Heatmap:
        return go.Heatmap(
            x=list(range(len(neurons))),
            y=list(range(len(self.names))),
            z=np.asarray(self.values, dtype=np.float32),
            zmin=self.low,
            zmax=self.high,
            colorscale=self.scale,
            showscale=False,
            text=[[f"neuron {neuron}" for neuron in neurons]] * len(self.names),
            hovertemplate=f"<b>%{{text}}</b><br>{self.what} %{{z:.3f}}<extra></extra>",
        )


def token_rows(states: TokenStates, chosen: list[int], theme: Theme) -> tuple[TokenRows, TokenRows, TokenRows]:
    """The tokens' activations, the pooled NAV and the pooled NAS."""
    palette = PALETTES[theme]
    values, nav, nas = states.activations[:, chosen], states.nav[None, chosen], states.nas[None, chosen]
    most = float(np.abs(values).max()) or 1.0
    diverging: list[list[float | str]] = [
        [0.0, palette.states["nav"]],
        [0.5, palette.ground],
        [1.0, palette.states["nas"]],
    ]
    tokens = [f"{number}  {token.strip() or repr(token)}" for number, token in enumerate(states.tokens, start=1)]
    return (
        TokenRows(values, tokens, diverging, -most, most, "activation"),
        TokenRows(nav, ["NAV"], score_scale("nav", theme), 0.0, float(nav.max()) or 1.0, "pooled NAV"),
        TokenRows(nas, ["NAS"], score_scale("nas", theme), 0.0, 1.0, "pooled NAS"),
    )
