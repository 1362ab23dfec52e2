"""Score against layer: the curves of one study."""

import plotly.graph_objects as go

from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, translucent
from neuronxa_core.figures.style import blank, spread
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.result import StudyResult

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
