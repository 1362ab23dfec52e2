"""Score against layer: the curves of one study."""

import plotly.graph_objects as go

from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.figures.export import ExportableFigure, pair_name
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, translucent
from neuronxa_core.figures.style import blank, spread, upright
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.result import StudyResult, fertility, unknown_share

HEIGHT = 460


def layer_curves(result: StudyResult, theme: Theme = "light") -> go.Figure:
    """One curve per state: the share of pairs, 0 to 1, that are each other's only nearest neighbour, layer by layer.

    The band is the 95 percent interval, the dotted line what a random matrix would give, the ring the peak.
    """
    layers = int(result.scores["layer"].max())
    figure = blank(
        theme,
        HEIGHT,
        margin={"l": 8, "r": 92, "t": 28, "b": 8},
        hovermode="closest",
    )
    figure.update_xaxes(title_text="Layer (0 is the token embedding)", range=[-0.4, layers + 0.4], dtick=_step(layers))
    figure.update_yaxes(title_text="Aligned pairs, as a share of all", range=[-0.02, 1.04], tickformat=".1f", dtick=0.2)
    _chance_line(figure, result, theme, layers)
    for state in STATES:
        _band(figure, result, state, theme)
    for state in reversed(STATES):
        _curve(figure, result, state, theme)
    _end_labels(figure, result, theme, layers)
    return figure


def _step(layers: int) -> int:
    return 1 if layers <= 12 else 2 if layers <= 26 else 4 if layers <= 48 else 8


def _chance_line(figure: go.Figure, result: StudyResult, theme: Theme, layers: int) -> None:
    palette = PALETTES[theme]
    figure.add_trace(
        go.Scatter(
            x=[-0.4, layers + 0.4],
            y=[result.chance] * 2,
            mode="lines",
            line={"color": palette.muted, "width": 1.2, "dash": "dot"},
            hovertemplate=f"chance: 1/(2n-1) = {result.chance:.4f}<extra></extra>",
            name="chance",
        )
    )


def _band(figure: go.Figure, result: StudyResult, state: State, theme: Theme) -> None:
    rows = result.of(state)
    figure.add_trace(
        go.Scatter(
            x=[*rows["layer"], *rows["layer"][::-1]],
            y=[*rows["ci_high"], *rows["ci_low"][::-1]],
            fill="toself",
            fillcolor=translucent(PALETTES[theme].states[state], 0.14),
            line={"width": 0},
            hoverinfo="skip",
            name=f"{STATE_NAMES[state]} interval",
        )
    )


def _curve(figure: go.Figure, result: StudyResult, state: State, theme: Theme) -> None:
    rows = result.of(state)
    colour = PALETTES[theme].states[state]
    peak_layer, peak_score = result.peak(state)
    source, target = result.study.source[:3], result.study.target[:3]
    is_peak = rows["layer"] == peak_layer
    figure.add_trace(
        go.Scatter(
            x=rows["layer"],
            y=rows["score"],
            mode="lines+markers",
            name=STATE_NAMES[state],
            line={"color": colour, "width": 2.4},
            marker={
                "symbol": SYMBOLS[state],
                "color": [PALETTES[theme].ground if peak else colour for peak in is_peak],
                "size": [13 if peak else 7 for peak in is_peak],
                "line": {"color": colour, "width": [3 if peak else 0 for peak in is_peak]},
            },
            customdata=rows[["ci_low", "ci_high", "source_to_target", "target_to_source"]].to_numpy(),
            hovertemplate=(
                f"<b>{STATE_NAMES[state]}, layer %{{x}}</b><br>score %{{y:.2f}}  [%{{customdata[0]:.2f}}, "
                f"%{{customdata[1]:.2f}}]<br>{source} → {target}  %{{customdata[2]:.2f}}<br>"
                f"{target} → {source}  %{{customdata[3]:.2f}}<extra></extra>"
            ),
        )
    )
    figure.add_annotation(
        x=peak_layer,
        y=peak_score,
        text=f"{peak_score:.2f}",
        showarrow=False,
        yshift=17,
        bgcolor=translucent(PALETTES[theme].ground, 0.8),
        borderpad=0,
        font={"color": colour, "size": 13},
    )


def _end_labels(figure: go.Figure, result: StudyResult, theme: Theme, layers: int) -> None:
    """Names where the curves end, instead of a legend; pushed apart where the ends meet."""
    ends = [float(result.of(state)["score"].iloc[-1]) for state in STATES]
    labels = [
        *((STATE_NAMES[state], PALETTES[theme].states[state]) for state in STATES),
        ("chance", PALETTES[theme].muted),
    ]
    for (text, colour), height in zip(labels, spread([*ends, result.chance], 0.055, 0.0, 1.02), strict=True):
        figure.add_annotation(
            x=layers + 0.4,
            y=height,
            text=text,
            xanchor="left",
            xshift=8,
            showarrow=False,
            font={"color": colour, "size": 14},
        )


def layer_strip(result: StudyResult, layer: int, theme: Theme = "light") -> go.Figure:
    """The score curves, small, with the layer that is looked at marked: the backdrop of the layer slider."""
    palette = PALETTES[theme]
    last = int(result.scores["layer"].max())
    figure = blank(theme, 96, margin={"l": 0, "r": 0, "t": 4, "b": 4}, hovermode=False)
    for state in STATES:
        rows = result.of(state)
        figure.add_trace(
            go.Scatter(
                x=rows["layer"],
                y=rows["score"],
                mode="lines",
                name=STATE_NAMES[state],
                line={"color": palette.states[state], "width": 2},
            )
        )
    upright(figure, layer, color=palette.ink, width=1.5)
    figure.update_xaxes(range=[-0.25, last + 0.25], visible=False)
    figure.update_yaxes(range=[-0.03, 1.05], visible=False)
    return figure


def exportable_curves(result: StudyResult) -> ExportableFigure:
    return ExportableFigure(
        f"{result.study.stem}.alignment",
        f"Alignment by layer: {pair_name(result.study)}",
        "Share of sentence pairs that are each other's only nearest neighbour by cosine; bands are 95 % intervals, rings "
        "the peaks, the dotted line what chance gives.",
        result.study.caption,
        lambda theme: layer_curves(result, theme),
    )


def alignment_finding(result: StudyResult) -> str:
    """Two or three sentences on the layer curves. Markdown without links."""
    source, target = language(result.study.source).name, language(result.study.target).name
    layers = int(result.of("nas")["layer"].max())
    layer, score = result.peak("nas")
    row = result.of("nas").set_index("layer").loc[layer]
    if score <= 5 * result.chance or row["ci_low"] <= result.chance:
        return (
            f"The neuron states of this model do not align {source} and {target} at any layer: even at its best, layer "
            f"{layer} of {layers}, {_count(score, result.pairs)} find each other, and {100 * result.chance:.1f} % would by chance. "
            + _comparison(result)
        )
    return (
        f"{source} and {target} meet {_where(layer, layers)}: at layer {layer} of {layers}, {_count(score, result.pairs)} "
        f"are each other's nearest neighbour by neuron state (95 % interval {row['ci_low']:.2f} to {row['ci_high']:.2f}; chance "
        f"{result.chance:.3f}). " + _comparison(result)
    )


_COSTLY = 2.0
_UNKNOWN = 0.01


def tokenizer_finding(result: StudyResult) -> str:
    """What the tokenizer makes of the two languages; empty for a result that was stored before tokens were counted."""
    study, provenance = result.study, result.provenance
    pivot = ENGLISH if ENGLISH in (study.source, study.target) else study.target
    other = study.target if pivot == study.source else study.source
    ratio = fertility(provenance, other, pivot)
    if ratio is None:
        return ""
    name = language(other).name
    shares = {code: unknown_share(provenance, code) or 0.0 for code in (study.source, study.target)}
    unknown = [f"{100 * share:.1f} % of {language(code).name}" for code, share in shares.items() if share]
    text = f"Tokens: {name} takes {ratio:.2f} for every {language(pivot).name} one"
    text += f", and the tokenizer does not know {' and '.join(unknown)}." if unknown else ", and none is unknown."
    if ratio >= _COSTLY or max(shares.values()) >= _UNKNOWN:
        text += " A low score is then often the tokenizer's doing: pieces that small, or unknown, carry little meaning each."
    return text


def _where(layer: int, layers: int) -> str:
    """Which third of the network a layer lies in."""
    third = (layer - 1) * 3 // layers
    return ("in the first third of the network", "in the middle of the network", "in the last third of the network")[
        third
    ]


def _count(share: float, pairs: int) -> str:
    return f"{round(share * pairs)} of {pairs} sentence pairs"


def _comparison(result: StudyResult) -> str:
    """NASCA against MEXA, with the interval of their difference."""
    nas, embedding = result.mean("nas"), result.mean("embedding")
    low, high = result.advantage_interval("nas", "embedding")
    numbers = f"NASCA {nas:.2f}, MEXA {embedding:.2f}, difference {nas - embedding:+.2f} with interval {low:+.2f} to {high:+.2f}"
    if low > 0:
        return f"Over all layers the neuron states are aligned better than the embeddings ({numbers})."
    if high < 0:
        return f"Over all layers the embeddings are aligned better than the neuron states ({numbers})."
    return f"Over all layers neuron states and embeddings cannot be told apart with these sentences ({numbers})."
