"""Who is whose nearest neighbour: the matrix of cosines with its winners, and the score beside chance."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.worked_example import Space, WorkedExample, state_of
from neuronxa_core.figures.export import COLUMN, ExportableFigure
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import blank
from neuronxa_core.figures.wording import named
from neuronxa_core.interface import listed, local, tr
from neuronxa_core.metrics.scoring import chance_rate
from neuronxa_core.numbers import chance, score

HEIGHT = 360
LINE_HEIGHT = 150


def space_name(space: Space) -> str:
    """How a space is called."""
    return {"nas": "NAS", "nav": "NAV", "embedding": tr("Embedding"), "centred": tr("Embedding, centred")}[space]


def winners(matrix: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which cells exceed the rest of their row, and which the rest of their column, each (pairs, pairs)."""
    rows = (matrix == matrix.max(axis=1, keepdims=True)) & (_ties(matrix) == 1)
    columns = (matrix == matrix.max(axis=0, keepdims=True)) & (_ties(matrix.T).T == 1)
    return rows, columns


def _ties(matrix: NDArray[np.float64]) -> NDArray[np.int64]:
    """(rows, 1): how many cells of each row share its highest value."""
    return np.asarray((matrix == matrix.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))


def neighbours_figure(
    example: WorkedExample, space: Space, layer: int, shown: bool = True, theme: Theme = "light"
) -> go.Figure:
    """Cosines of source sentences (down) and target sentences (across), with the winner of each row and column.

    shown: whether the numbers and the winners stand in it, or question marks. A framed cell wins both.
    """
    palette, matrix = PALETTES[theme], example.matrix(space, layer)
    pairs = len(matrix)
    places = list(range(pairs))
    figure = blank(theme, HEIGHT, margin={"l": 8, "r": 8, "t": 46, "b": 8}, hovermode="closest", dragmode=False)
    texts = [[local(score(value, 3)) if shown else "?" for value in row] for row in matrix]
    figure.add_trace(
        go.Heatmap(
            **{"x": places, "y": places, "z": matrix if shown else np.zeros_like(matrix), "xgap": 2, "ygap": 2},
            colorscale=_scale(space, theme) if shown else [[0, palette.grid], [1, palette.grid]],
            **({"zmin": matrix.min(), "zmax": matrix.max()} if shown else {"zmin": 0, "zmax": 1}),
            showscale=False,
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 13, "color": palette.ink},
            hoverinfo="skip",
            name=space_name(space),
        )
    )
    if shown:
        _mark(figure, matrix, theme)
    source, target = (each[:3] for each in (example.study.source, example.study.target))
    axis = {"showgrid": False, "ticks": "", "tickvals": places, "ticktext": [str(place + 1) for place in places]}
    figure.update_xaxes(
        **axis, side="top", title_text=tr("Target sentence ({code})", code=target), range=[-0.5, pairs - 0.5]
    )
    figure.update_yaxes(**axis, title_text=tr("Source sentence ({code})", code=source), range=[pairs - 0.5, -0.5])
    return figure


def _scale(space: Space, theme: Theme) -> list[list[float | str]]:
    """From the page's ground to half of the state's colour, so that the ink on it can be read."""
    ends = {
        "nas": ("#9CCBE8", "#14557F"),
        "nav": ("#F2BC97", "#7A3408"),
        "embedding": ("#94D3BE", "#0A5A43"),
    }
    return [[0.0, PALETTES[theme].ground], [1.0, ends[state_of(space)][theme == "dark"]]]


def _mark(figure: go.Figure, matrix: NDArray[np.float64], theme: Theme) -> None:
    """An arrow at the left edge of a cell that wins its row, at the top edge if its column; a frame if both."""
    rows, columns = winners(matrix)
    ink = PALETTES[theme].ink
    for name, won, symbol, shift in (
        ("row", rows, "triangle-right", (-0.4, 0.0)),
        ("column", columns, "triangle-down", (0.0, -0.38)),
    ):
        places = np.argwhere(won)
        figure.add_trace(
            go.Scatter(
                x=places[:, 1] + shift[0],
                y=places[:, 0] + shift[1],
                mode="markers",
                name=f"wins its {name}",
                marker={"symbol": symbol, "size": 11, "color": ink},
                hoverinfo="skip",
            )
        )
    for row, column in np.argwhere(rows & columns):
        figure.add_shape(
            **{"type": "rect", "x0": column - 0.48, "x1": column + 0.48, "y0": row - 0.48, "y1": row + 0.48},
            line={"color": ink, "width": 2.5},
        )


def exportable_neighbours(example: WorkedExample, space: Space, layer: int, shown: bool = True) -> ExportableFigure:
    return ExportableFigure(
        f"{example.study.stem}.method.cosines.{space}.layer{layer}",
        tr(
            "{space}, layer {layer}: cosines of {languages}",
            space=space_name(space),
            layer=layer,
            languages=listed([named(code) for code in (example.study.source, example.study.target)]),
        ),
        tr("▸ highest of its row, ▾ highest of its column, framed: both. Translations lie on the diagonal.")
        if shown
        else tr("The cosines are hidden until you have guessed."),
        example.study.caption,
        lambda theme: neighbours_figure(example, space, layer, shown, theme),
        COLUMN,
    )


def neighbours_finding(example: WorkedExample, space: Space, layer: int) -> str:
    """How many pairs win their row, their column, and both."""
    found = example.outcomes(space, layer)
    pairs = len(found.mutual)
    return tr(
        "{space} at layer {layer}: {rows} of {pairs} translations win their row, {columns} their column, {both} both.",
        space=space_name(space),
        layer=layer,
        pairs=pairs,
        rows=found.source_to_target.sum(),
        columns=found.target_to_source.sum(),
        both=found.mutual.sum(),
    )


def score_line(
    example: WorkedExample, space: Space, layer: int, shown: bool = True, theme: Theme = "light"
) -> go.Figure:
    """The scores that so many pairs can have, from 0 to 1, with this layer's and the one that chance gives."""
    palette, pairs = PALETTES[theme], example.study.pairs
    figure = blank(theme, LINE_HEIGHT, margin={"l": 16, "r": 16, "t": 42, "b": 8}, hovermode="closest")
    steps = np.arange(pairs + 1) / pairs
    figure.add_trace(
        go.Scatter(
            **{"x": steps, "y": np.zeros_like(steps), "mode": "markers", "name": "possible", "hoverinfo": "skip"},
            marker={"symbol": "circle-open", "size": 12, "color": palette.muted},
        )
    )
    by_chance = chance_rate(pairs)
    figure.add_shape(
        **{"type": "line", "x0": by_chance, "x1": by_chance, "y0": -0.8, "y1": 0.8},
        line={"color": palette.muted, "width": 1.5, "dash": "dot"},
    )
    _say(figure, by_chance, tr("chance {value}", value=local(chance(by_chance))), palette.muted, 22)
    if shown:
        value = float(example.outcomes(space, layer).mutual.mean())
        colour = palette.states[state_of(space)]
        figure.add_trace(
            go.Scatter(
                **{"x": [value], "y": [0], "mode": "markers", "name": "score", "hoverinfo": "skip"},
                marker={"symbol": "circle", "size": 16, "color": colour},
            )
        )
        _say(figure, value, "<b>" + tr("score {value}", value=local(score(value))) + "</b>", colour, 40)
    figure.update_yaxes(visible=False, range=[-1, 1])
    figure.update_xaxes(
        title_text=tr("Aligned pairs, as a share of all"), range=[-0.03, 1.03], tickvals=steps, showgrid=False
    )
    figure.update_xaxes(ticktext=[f"{step}/{pairs}" for step in range(pairs + 1)])
    return figure


def _say(figure: go.Figure, x: float, text: str, colour: str, shift: int) -> None:
    """A word above the line, kept inside the picture at both ends."""
    anchor = "left" if x < 0.2 else "right" if x > 0.8 else "center"
    figure.add_annotation(
        **{"x": x, "y": 0, "yshift": shift, "text": text, "xanchor": anchor, "showarrow": False},
        font={"color": colour, "size": 14},
    )


def exportable_score(example: WorkedExample, space: Space, layer: int, shown: bool = True) -> ExportableFigure:
    told = f": {local(score(float(example.outcomes(space, layer).mutual.mean())))}" if shown else ""
    return ExportableFigure(
        f"{example.study.stem}.method.score.{space}.layer{layer}",
        tr("The score of layer {layer} in {space}", layer=layer, space=space_name(space)) + told,
        tr(
            "The scores that {pairs} pairs can have; the dotted line is what a random matrix gives.",
            pairs=example.study.pairs,
        ),
        example.study.caption,
        lambda theme: score_line(example, space, layer, shown, theme),
    )
