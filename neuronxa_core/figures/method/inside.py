"""Inside one sentence: how many tokens it costs, one neuron's gate, and which neurons its tokens switch on."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from neuronxa_core.analyses.worked_example import WorkedExample
from neuronxa_core.figures.export import COLUMN, ExportableFigure
from neuronxa_core.figures.palette import LANGUAGE_SYMBOLS, PALETTES, STATE_NAMES, Theme, score_scale, translucent
from neuronxa_core.figures.style import blank, colour_key, hover, score_bar
from neuronxa_core.figures.token_rows import plain, token_names
from neuronxa_core.figures.wording import named
from neuronxa_core.interface import listed, local, tr
from neuronxa_core.numbers import decimal, percent
from neuronxa_core.states.sentences import State

HEIGHT = 300
MOST_TOKENS = 40
"""Tokens of a sentence in one picture; the states are those of all of them."""
_SIDE_STATES: tuple[State, State] = ("nas", "nav")


def names_of(example: WorkedExample) -> tuple[str, str]:
    """The names of source and target."""
    return named(example.study.source), named(example.study.target)


def token_counts(example: WorkedExample, theme: Theme = "light") -> go.Figure:
    """Tokens of every sentence, special tokens included: a bar per pair and language."""
    colours = PALETTES[theme].languages
    figure = blank(theme, HEIGHT, margin={"l": 8, "r": 8, "t": 40, "b": 8}, hovermode="closest")
    told = tr("Tokens")
    pairs = [tr("pair {pair}", pair=pair) for pair in range(1, len(example.sides[0]) + 1)]
    for name, side, colour in zip(names_of(example), example.sides, colours, strict=True):
        counts = [len(inside.tokens) for inside in side]
        figure.add_trace(
            go.Bar(
                x=pairs,
                y=counts,
                name=name,
                text=counts,
                textposition="outside",
                textangle=0,
                constraintext="none",
                textfont={"size": 12},
                marker={"color": colour},
                hovertemplate=f"<b>{name}, %{{x}}</b><br>{told} %{{y}}<extra></extra>",
            )
        )
    most = max(len(inside.tokens) for side in example.sides for inside in side)
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_yaxes(title_text=told, range=[0, 1.15 * most])
    figure.update_xaxes(showgrid=False, ticks="")
    colour_key(figure, list(zip(colours, names_of(example), strict=True)))
    return figure


def gate_figure(
    example: WorkedExample, pair: int, layer: int, place: int, chosen: tuple[int, int], theme: Theme = "light"
) -> go.Figure:
    """The activation function, with every token of a pair where one neuron puts it.

    place: of the neuron among those of the layer. chosen: side and token to ring, from 0. Right of the dashed line the
    activation is above 0.
    """
    palette = PALETTES[theme]
    figure = blank(theme, HEIGHT + 40, margin={"l": 8, "r": 16, "t": 40, "b": 8}, hovermode="closest")
    curve = np.concatenate([_curve(example, pair, layer, side) for side in (0, 1)])
    curve = curve[np.argsort(curve[:, 0], kind="stable")]
    own = np.concatenate([side[pair].incoming[layer - 1, :, place] for side in example.sides])
    curve = curve[(curve[:, 0] >= min(own.min(), -1.0) - 0.3) & (curve[:, 0] <= max(own.max(), 1.0) + 0.3)]
    figure.add_trace(
        go.Scatter(
            x=curve[:, 0],
            y=curve[:, 1],
            mode="lines",
            name=example.function,
            line={"color": palette.muted, "width": 1.5},
            hoverinfo="skip",
        )
    )
    for side, name in enumerate(names_of(example)):
        inside = example.sides[side][pair]
        figure.add_trace(
            go.Scatter(
                x=inside.incoming[layer - 1, :, place],
                y=inside.activation[layer - 1, :, place],
                mode="markers",
                name=name,
                marker={
                    "symbol": LANGUAGE_SYMBOLS[side],
                    "size": 8,
                    "color": palette.languages[side],
                    "line": {"color": palette.ground, "width": 1},
                },
                **hover(
                    f"<b>{plain(token)}</b> ({name})<br>in {decimal(into, 3)}, out {decimal(out, 3)}"
                    for token, into, out in zip(
                        inside.tokens,
                        inside.incoming[layer - 1, :, place],
                        inside.activation[layer - 1, :, place],
                        strict=True,
                    )
                ),
            )
        )
    _ring(figure, example, pair, layer, place, chosen, theme)
    figure.add_shape(
        **{"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper"},
        line={"color": palette.muted, "width": 1, "dash": "dash"},
    )
    figure.update_xaxes(title_text=tr("What goes in: gate_proj(x)"))
    figure.update_yaxes(title_text=tr("What comes out: {function}(gate_proj(x))", function=example.function))
    colour_key(figure, list(zip(palette.languages, names_of(example), strict=True)))
    return figure


def _curve(example: WorkedExample, pair: int, layer: int, side: int) -> np.ndarray:
    """(points, 2): every input and output of the layer's chosen neurons, which all lie on the function."""
    inside = example.sides[side][pair]
    return np.stack([inside.incoming[layer - 1].ravel(), inside.activation[layer - 1].ravel()], axis=1)


def _ring(
    figure: go.Figure, example: WorkedExample, pair: int, layer: int, place: int, chosen: tuple[int, int], theme: Theme
) -> None:
    side, token = chosen
    inside, ink = example.sides[side][pair], PALETTES[theme].ink
    x, y = float(inside.incoming[layer - 1, token, place]), float(inside.activation[layer - 1, token, place])
    figure.add_trace(
        go.Scatter(
            x=[x],
            y=[y],
            mode="markers",
            name="chosen",
            marker={"symbol": "circle-open", "size": 17, "color": ink, "line": {"width": 2.5}},
            hoverinfo="skip",
        )
    )


def tokens_finding(example: WorkedExample) -> str:
    """How many tokens both sides cost, and the ratio."""
    source, target = (sum(len(each.tokens) for each in side) for side in example.sides)
    names = names_of(example)
    return tr(
        "{first} costs {one} tokens, {second} {other}: a ratio of {ratio}. Special tokens count.",
        first=names[0],
        second=names[1],
        one=local(f"{source:,}"),
        other=local(f"{target:,}"),
        ratio=local(decimal(source / target)),
    )


def exportable_tokens(example: WorkedExample) -> ExportableFigure:
    return ExportableFigure(
        f"{example.study.stem}.method.tokens",
        tr("Tokens per sentence: {languages}", languages=listed(names_of(example))),
        tr("How many tokens the tokenizer makes of each sentence and of its translation, special tokens included."),
        example.study.caption,
        lambda theme: token_counts(example, theme),
    )


def exportable_gate(
    example: WorkedExample, pair: int, layer: int, place: int, chosen: tuple[int, int]
) -> ExportableFigure:
    neuron = example.neurons[layer - 1, place]
    return ExportableFigure(
        f"{example.study.stem}.method.gate.layer{layer}.neuron{neuron}",
        tr("The gate of neuron {neuron} in layer {layer}, pair {pair}", neuron=neuron, layer=layer, pair=pair + 1),
        tr(
            "Each mark is a token: circles source, triangles target. Right of the dashed line the neuron is on "
            "(NAS 1). The ring is the chosen token."
        ),
        example.study.caption,
        lambda theme: gate_figure(example, pair, layer, place, chosen, theme),
        COLUMN + 120,
    )


def firing_figure(
    example: WorkedExample, side: int, pair: int, layer: int, place: int | None = None, theme: Theme = "light"
) -> go.Figure:
    """Tokens (down) x neurons (across), twice: on or off (NAS), and how strongly (NAV). place: of a neuron to frame."""
    values = example.sides[side][pair].read_at(example.study.site)[layer - 1][:MOST_TOKENS]
    names = token_names(example.sides[side][pair].tokens[:MOST_TOKENS], longest=10)
    height = 17 * len(names) + 136
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.03)
    for column, (state, shown) in enumerate(
        zip(_SIDE_STATES, ((values > 0).astype(np.float32), np.abs(values)), strict=True), start=1
    ):
        figure.add_trace(_fired(example.neurons[layer - 1].tolist(), names, shown, state, theme), row=1, col=column)
        title = tr("on or off") if state == "nas" else tr("how strongly")
        figure.add_annotation(
            text=f"<b>{STATE_NAMES[state]}</b><br>{title}",
            **{"xref": f"x{column if column > 1 else ''} domain", "x": 0, "xanchor": "left", "align": "left"},
            **{"yref": "paper", "y": 1, "yshift": 40, "showarrow": False},
            font={"color": PALETTES[theme].states[state], "size": 14},
        )
        if place is not None:
            figure.add_shape(
                **{"type": "rect", "x0": place - 0.5, "x1": place + 0.5, "y0": -0.5, "y1": len(names) - 0.5},
                **{"xref": f"x{column if column > 1 else ''}", "yref": "y", "line": {"color": PALETTES[theme].ink}},
            )
    house = blank(theme, height, margin={"l": 108, "r": 8, "t": 44, "b": 90}, hovermode="closest").layout
    shared = ("height", "margin", "font", "paper_bgcolor", "plot_bgcolor", "hoverlabel", "hovermode")
    figure.update_layout({name: house[name] for name in shared})
    across = {"text": tr("Neurons"), "standoff": 6, "font": {"size": 13, "color": PALETTES[theme].muted}}
    figure.update_xaxes(showgrid=False, zeroline=False, ticks="", showticklabels=False, fixedrange=True, title=across)
    figure.update_yaxes(showgrid=False, zeroline=False, ticks="", fixedrange=True, automargin=False)
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, autorange="reversed", row=1, col=1)
    return figure


def _fired(neurons: Sequence[int], names: Sequence[str], values: np.ndarray, state: State, theme: Theme) -> go.Heatmap:
    nas = state == "nas"
    grounds = {"colorscale": [[0.0, translucent(PALETTES[theme].muted, 0.12)], [1.0, PALETTES[theme].states["nas"]]]}
    bar = score_bar(0.42, dtick=None, nticks=4, tickformat=".2~g", x=0.78, title="NAV")
    return go.Heatmap(
        x=list(range(len(neurons))),
        y=list(range(len(names))),
        z=values,
        zmin=0,
        zmax=1 if nas else float(values.max()) or 1.0,
        xgap=1,
        ygap=1,
        **({"showscale": False, **grounds} if nas else {"colorscale": score_scale("nav", theme), "colorbar": bar}),
        name=STATE_NAMES[state],
        **hover(
            [
                f"<b>{name}, neuron {neuron}</b><br>{STATE_NAMES[state]} {decimal(value)}"
                for neuron, value in zip(neurons, row, strict=True)
            ]
            for name, row in zip(names, values, strict=True)
        ),
    )


def firing_finding(example: WorkedExample, side: int, pair: int, layer: int) -> str:
    """The share of these neurons that are on at the average token."""
    values = example.sides[side][pair].read_at(example.study.site)[layer - 1]
    share = local(percent(float((values > 0).mean())))
    return tr("Of these {count} neurons, {share} are on at an average token.", count=values.shape[1], share=share)


def exportable_firing(
    example: WorkedExample, side: int, pair: int, layer: int, place: int | None = None
) -> ExportableFigure:
    code = (example.study.source, example.study.target)[side]
    tokens = len(example.sides[side][pair].tokens)
    note = tr(
        "Left: blue where the activation is above 0. Right: its absolute value. First the neurons with the highest "
        "NAV in all sentences, then as many spread evenly over the rest of the layer; the frame is the chosen one."
    )
    if tokens > MOST_TOKENS:
        note += " " + tr("The first {shown} of {tokens} tokens.", shown=MOST_TOKENS, tokens=tokens)
    return ExportableFigure(
        f"{example.study.stem}.method.firing.{code}.pair{pair + 1}.layer{layer}",
        tr(
            "{language}, pair {pair}, layer {layer}: which neurons the tokens switch on",
            language=named(code),
            pair=pair + 1,
            layer=layer,
        ),
        note,
        example.study.caption,
        lambda theme: firing_figure(example, side, pair, layer, place, theme),
    )
