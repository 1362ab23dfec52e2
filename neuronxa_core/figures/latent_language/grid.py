"""The logit lens of a text as a grid: layers up, tokens across, the likeliest next token in each cell."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.lens_grid import GridAnswer, script_of
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import blank, click_targets
from neuronxa_core.figures.token_rows import plain
from neuronxa_core.numbers import score

MOST_SHOWN = 16
"""Tokens in one picture, the last ones of a longer text; more would leave no room for words."""
_LONGEST = 9
_ROW = 36


def lens_grid(
    answer: GridAnswer, cell: tuple[int, int] | None = None, theme: Theme = "light", tokens: int = MOST_SHOWN
) -> go.Figure:
    """The likeliest token after each token of the text, at each layer, with its probability as colour, 0 to 1.

    Under a word that is not in Latin letters stands its script. cell: the (layer, place) to frame, place from 0.
    """
    palette, layers = PALETTES[theme], answer.layers
    shown = np.arange(len(answer.tokens))[-tokens:]
    figure = blank(theme, _ROW * layers + 130, margin={"l": 8, "r": 8, "t": 8, "b": 8}, dragmode=False)
    chances = answer.probabilities[:, shown, 0]
    figure.add_trace(
        go.Heatmap(
            z=chances,
            x=list(range(len(shown))),
            y=list(range(1, layers + 1)),
            zmin=0,
            zmax=1,
            colorscale=_scale(theme),
            text=[[_cell(answer.candidates[layer, place, 0]) for place in shown] for layer in range(layers)],
            texttemplate="%{text}",
            textfont={"size": 12},
            xgap=1,
            ygap=1,
            hoverinfo="skip",
            colorbar={"orientation": "h", "thickness": 8, "len": 0.5, "y": -0.02, "yanchor": "top", "tickformat": ".1f"}
            | {"yref": "container", "y": 0.0, "yanchor": "bottom", "title": {"text": ""}, "outlinewidth": 0},
        )
    )
    _targets(figure, answer, shown)
    if cell and cell[1] in shown:
        x = cell[1] - int(shown[0])
        figure.add_shape(
            type="rect",
            **{"x0": x - 0.5, "x1": x + 0.5, "y0": cell[0] - 0.5, "y1": cell[0] + 0.5},
            line={"color": palette.ink, "width": 2},
        )
    figure.update_xaxes(
        tickvals=list(range(len(shown))),
        ticktext=[plain(_short(answer.tokens[place])) for place in shown],
        title_text="Token that was read",
        showgrid=False,
        tickangle=-90,  # at a slant, plotly drops names where columns are narrow
    )
    figure.update_yaxes(title_text="Layer", showgrid=False, range=[0.5, layers + 0.5], dtick=1 if layers <= 26 else 4)
    return figure


def _scale(theme: Theme) -> list[list[float | str]]:
    """From the page's ground to the accent, never so dark that the ink on it cannot be read."""
    palette = PALETTES[theme]
    full = "#7FBFE6" if theme == "light" else "#1F6E9E"
    return [[0.0, palette.ground], [1.0, full]]


def _short(token: str) -> str:
    """A token as it fits a cell: spaces and line ends as signs."""
    text = token.replace("\n", "↵").strip(" ") or "␣" * bool(token)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _cell(candidate: str) -> str:
    """The token, and below it its script if that is not Latin; angle brackets are not taken for markup."""
    script = script_of(candidate)
    text = plain(_short(candidate))
    return f"{text}<br><span style='font-size:12px'>{script}</span>" if script not in ("", "Latin") else text


def _targets(figure: go.Figure, answer: GridAnswer, shown: NDArray[np.int64]) -> None:
    """A target over each cell that carries its layer and its token's place, and says what is in it."""
    layer, column = (each.ravel() for each in np.indices((answer.layers, len(shown))))
    place = shown[column]
    figure.add_trace(
        click_targets(
            x=column,
            y=layer + 1,
            customdata=np.stack([layer + 1, place], axis=1),
            text=[
                plain(f"after {_short(answer.tokens[at])!r}: {_short(str(answer.candidates[row, at, 0]))!r}, ")
                + f"p = {score(float(answer.probabilities[row, at, 0]))}"
                for row, at in zip(layer, place, strict=True)
            ],
            hovertemplate="layer %{customdata[0]}, %{text}<extra></extra>",
        )
    )


def exportable_grid(answer: GridAnswer, cell: tuple[int, int] | None = None) -> ExportableFigure:
    left = len(answer.tokens) - MOST_SHOWN
    note = f" The last {MOST_SHOWN} of {len(answer.tokens)} tokens." if left > 0 else ""
    return ExportableFigure(
        f"{answer.study.stem}.lens",
        "Logit lens: the likeliest next token, layer by layer",
        "In each cell, the token that the model would put next if it stopped at this layer; colour: its probability, "
        f"0 to 1. Under other scripts than Latin, the script's name.{note}",
        f"{answer.study.title} · {answer.study.dtype}",
        lambda theme: lens_grid(answer, cell, theme),
    )


def grid_finding(answer: GridAnswer) -> str:
    """From which layer on the final prediction after the last token is the likeliest one."""
    last = answer.candidates[:, -1, 0]
    same = last == last[-1]
    first = int(np.flatnonzero(~same)[-1]) + 2 if not same.all() else 1
    chance = float(answer.probabilities[-1, -1, 0])
    return (
        f"After the last token the model puts {_short(str(last[-1]))!r} next (probability {score(chance)}). It is the "
        f"likeliest token from layer {first} of {answer.layers} on."
    )
