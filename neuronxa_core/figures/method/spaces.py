"""The same pairs in two spaces: all cosines on one line each, translations apart from all others."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.worked_example import Space, WorkedExample, state_of
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.method.neighbours import space_name
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import blank, hover
from neuronxa_core.interface import local, tr
from neuronxa_core.metrics.geometry import anisotropy
from neuronxa_core.numbers import score

HEIGHT = 300


def compared(centred: bool) -> tuple[Space, Space]:
    """The two spaces that are compared."""
    return "nas", "centred" if centred else "embedding"


def spaces_figure(example: WorkedExample, layer: int, centred: bool, theme: Theme = "light") -> go.Figure:
    """A row per space: cosines of translations (filled) and of unrelated sentences (hollow), and the latter's mean."""
    palette, spaces = PALETTES[theme], compared(centred)
    figure = blank(theme, HEIGHT, margin={"l": 8, "r": 16, "t": 12, "b": 8}, hovermode="closest")
    for row, space in enumerate(reversed(spaces)):
        matrix, colour = example.matrix(space, layer), palette.states[state_of(space)]
        own, others = _parted(matrix)
        for values, symbol, shift, name in (
            (others, "circle-open", -0.12, tr("unrelated sentences")),
            (own, "circle", 0.12, tr("translations")),
        ):
            figure.add_trace(
                go.Scatter(
                    **{"x": values, "y": [row + shift] * len(values), "mode": "markers", "name": f"{space} {symbol}"},
                    marker={"symbol": symbol, "size": 11, "color": colour, "line": {"color": colour, "width": 1.5}},
                    **hover(f"{name}: {local(score(value, 3))}" for value in values),
                )
            )
        mean = anisotropy(matrix)
        figure.add_shape(
            **{"type": "line", "x0": mean, "x1": mean, "y0": row - 0.3, "y1": row + 0.3},
            line={"color": palette.ink, "width": 2},
        )
        text = tr("anisotropy {value}", value=local(score(mean)))
        side = "right" if mean > 0 else "left"
        figure.add_annotation(x=mean, y=row - 0.38, text=text, showarrow=False, xanchor=side, font={"size": 12})
    names = [space_name(space) for space in reversed(spaces)]
    figure.update_yaxes(tickvals=[0, 1], ticktext=names, range=[-0.6, 1.5], showgrid=False, ticks="")
    low = min(float(example.matrix(space, layer).min()) for space in spaces)
    figure.update_xaxes(title_text=tr("Cosine"), range=[min(-0.03, low - 0.06), 1.03], tick0=0, dtick=0.5)
    return figure


def _parted(matrix: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """The cosines of translations, and those of all other sentences."""
    return matrix.diagonal().tolist(), matrix[~np.eye(len(matrix), dtype=bool)].tolist()


def spaces_finding(example: WorkedExample, layer: int, centred: bool) -> str:
    """How many pairs are aligned in both spaces."""
    found = [int(example.outcomes(space, layer).mutual.sum()) for space in compared(centred)]
    return tr(
        "At layer {layer}, {first} of {pairs} pairs are aligned in {one}, {second} in {other}.",
        layer=layer,
        pairs=example.study.pairs,
        first=found[0],
        second=found[1],
        one="NAS",
        other=space_name(compared(centred)[1]),
    )


def most_changed(example: WorkedExample) -> int:
    """The first layer at which centring adds most to the score of embeddings."""
    gain = example.scores("centred") - example.scores("embedding")
    return int(np.argmax(gain[1:])) + 1


def exportable_spaces(example: WorkedExample, layer: int, centred: bool) -> ExportableFigure:
    return ExportableFigure(
        f"{example.study.stem}.embeddings.layer{layer}{'.centred' if centred else ''}",
        tr("The same pairs in two spaces, layer {layer}", layer=layer),
        tr("Filled: a sentence and its translation. Hollow: unrelated sentences; the upright mark is their mean."),
        example.study.caption,
        lambda theme: spaces_figure(example, layer, centred, theme),
    )
