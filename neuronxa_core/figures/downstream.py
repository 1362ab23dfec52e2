"""Alignment against accuracy: a point for each language, and which layer's scores go with accuracy best."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.accuracies import UNNAMED
from neuronxa_core.analyses.downstream import BITS, best_layer
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends, state_curve
from neuronxa_core.figures.export import COLUMN, ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, STATE_NAMES, SYMBOLS, Theme
from neuronxa_core.figures.point_labels import point_labels
from neuronxa_core.figures.style import blank, hover, layer_step, short_codes, tick_format
from neuronxa_core.figures.wording import few_languages, joined_names, ties
from neuronxa_core.metrics.correlation import FEWEST, fit_line
from neuronxa_core.numbers import CONFIDENCE, confidence, count, decimal, interval, score, signed
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.study import Study

SCATTER_HEIGHT = 380
CORRELATION_HEIGHT = 360


def accuracy_name(benchmark: str) -> str:
    """What stands at the axis."""
    if benchmark == BITS:
        return "Bits per byte (axis reversed: up is better)"
    return "Accuracy" if benchmark == UNNAMED else f"Accuracy, {benchmark}"


def _measured(benchmark: str) -> str:
    """As `accuracy_name`, within a title."""
    return benchmark if benchmark in (BITS, UNNAMED) else f"accuracy on {benchmark}"


def downstream_scatter(table: pd.DataFrame, state: State, benchmark: str, theme: Theme = "light") -> go.Figure:
    """A language is a point: its score (across, 0 to 1) and its accuracy (up); the line is that of least squares.

    table: as downstream.joined gives it. Long-tail languages are drawn open. The axis of bits per byte is reversed.
    """
    palette, bits = PALETTES[theme], benchmark == BITS
    colour = palette.states[state]
    accuracy = np.abs(table["accuracy"].to_numpy(dtype=np.float64))
    scores = table[state].to_numpy(dtype=np.float64)
    figure = blank(theme, SCATTER_HEIGHT, margin={"l": 8, "r": 16, "t": 30, "b": 8}, hovermode="closest")
    slope, intercept = fit_line(scores, accuracy)
    if not np.isnan(slope):
        ends = np.array([scores.min(), scores.max()])
        figure.add_trace(
            go.Scatter(
                x=ends,
                y=slope * ends + intercept,
                mode="lines",
                line={"color": palette.muted, "width": 1.2, "dash": "dash"},
                hoverinfo="skip",
                name="fit",
            )
        )
    known = [language(code) for code in table["language"]]
    labels = point_labels(short_codes(list(table["language"])), scores, accuracy, down=bits)
    figure.add_trace(
        go.Scatter(
            x=scores,
            y=accuracy,
            mode="markers+text",
            name=SCORE_NAMES[state],
            text=[label for label, _ in labels],
            textposition=[place for _, place in labels],
            textfont={"size": 12, "color": palette.muted},
            marker={
                "color": [colour if each.head else palette.ground for each in known],
                "symbol": SYMBOLS[state],
                "size": 8,
                "line": {"color": colour, "width": 1.6},
            },
            **hover(
                f"<b>{each.name}</b> ({each.resource_level})<br>{SCORE_NAMES[state]} {score(x)}<br>"
                + (f"bits per byte {decimal(y)}" if bits else f"accuracy {score(y, 3)}")
                for each, x, y in zip(known, scores, accuracy, strict=True)
            ),
        )
    )
    figure.update_xaxes(title_text=SCORE_NAMES[state], tickformat=".1f", range=[-0.09, 1.04], dtick=0.2)
    figure.update_yaxes(
        title_text=accuracy_name(benchmark),
        tickformat=tick_format(float(np.ptp(accuracy))),
        **({"autorange": "reversed"} if bits else {}),
    )
    return figure


def correlation_curves(layers: pd.DataFrame, method: str, theme: Theme = "light") -> go.Figure:
    """The correlation of each layer's scores with accuracy, -1 to 1; bands are 95 percent intervals by Fisher's z.

    layers: as downstream.layer_correlations gives it.
    """
    last = int(layers["layer"].max())
    figure = blank(theme, CORRELATION_HEIGHT, margin={"l": 8, "r": 92, "t": 12, "b": 8}, hovermode="closest")
    low = min(-0.1, float(layers[f"{method}_fisher_low"].min()))
    figure.update_xaxes(title_text="Layer (0 is the token embedding)", range=[-0.4, last + 0.4], dtick=layer_step(last))
    figure.update_yaxes(
        title_text=f"{method.capitalize()} correlation", range=[max(-1.05, low - 0.05), 1.05], tickformat=".1f"
    )
    curves = [_curve(layers, state, method, theme) for state in STATES]
    draw_curves(figure, curves, theme)
    label_ends(figure, ends(curves), gap=0.1, low=-1.0, high=1.02, x=last + 0.4)
    return figure


def _curve(layers: pd.DataFrame, state: State, method: str, theme: Theme) -> Curve:
    rows = layers[(layers["state"] == state) & layers[method].notna()]
    return state_curve(
        state,
        theme,
        x=rows["layer"].to_numpy(),
        y=rows[method].to_numpy(),
        low=rows[f"{method}_fisher_low"].to_numpy(),
        high=rows[f"{method}_fisher_high"].to_numpy(),
        more={
            **hover(
                f"<b>{STATE_NAMES[state]}, layer {layer:.0f}</b><br>{method} {score(value)}  [{interval(low, high)}]"
                for layer, value, low, high in rows[
                    ["layer", method, f"{method}_fisher_low", f"{method}_fisher_high"]
                ].to_numpy()
            ),
        },
    )


def exportable_downstream(study: Study, table: pd.DataFrame, state: State, benchmark: str) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.downstream.{state}",
        f"{SCORE_NAMES[state]} and {_measured(benchmark)}",
        f"Each point is a language, scored against {language(study.target).name}; open points are long-tail languages. "
        "Dashed: least-squares fit.",
        shared_caption(study),
        lambda theme: downstream_scatter(table, state, benchmark, theme),
        COLUMN,
    )


def exportable_correlation(study: Study, layers: pd.DataFrame, method: str, benchmark: str) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.downstream.layers",
        f"Correlation of each layer's scores with {_measured(benchmark)}",
        f"{method.capitalize()} correlation over languages, layer by layer. Bands: {CONFIDENCE} intervals "
        "(Fisher's z).",
        shared_caption(study),
        lambda theme: correlation_curves(layers, method, theme),
    )


def downstream_finding(correlations: pd.DataFrame, benchmark: str) -> str:
    """Which measure correlates best with accuracy, and whether better than MEXA; why none does, below six languages.

    correlations: as downstream.correlation_table gives it.
    """
    languages = int(correlations["languages"].iloc[0])
    if languages < FEWEST:
        return (
            f"{count(languages, 'language has', 'languages have')} both a score and an accuracy; with fewer than "
            f"{FEWEST}, no correlation is computed."
        )
    known = correlations.dropna(subset=["pearson"])
    if known.empty:
        return "Score or accuracy is the same in all of these languages, so there is no correlation."
    return f"{_best_measure(known, languages, benchmark)}{_against_mexa(correlations)}{few_languages(languages)}"


def _best_measure(known: pd.DataFrame, languages: int, benchmark: str) -> str:
    """The measures with the highest Pearson correlation, and their coefficients."""
    of = {BITS: "predicts the text of the language", UNNAMED: "does"}.get(benchmark, f"does on {benchmark}")
    best = known.loc[known["pearson"].idxmax()]
    names = list(known["measure"].iloc[ties(known["pearson"], best["pearson"])])
    verb = "is" if len(names) == 1 else "are"
    head = f"{joined_names(names)} {'correlates' if len(names) == 1 else 'correlate'} best with how well the model {of}"
    if best["pearson"] <= 0:
        head = (
            f"no measure has a positive correlation with how well the model {of}; {joined_names(names)} {verb} highest"
        )
    coefficients = ", ".join(
        f"{method.capitalize()} {score(best[method])} "
        f"({confidence(best[f'{method}_fisher_low'], best[f'{method}_fisher_high'], of='languages')})"
        for method in ("pearson", "spearman")
    )
    return f"Over {languages} languages, {head}: {coefficients}."


def _against_mexa(correlations: pd.DataFrame) -> str:
    """NASCA's coefficient against MEXA's, with the interval of their difference; begins with a space."""
    nasca = correlations.set_index("measure").loc["NASCA"]
    apart, low, high = (nasca[f"over_mexa{end}"] for end in ("", "_low", "_high"))
    if np.isnan(apart):
        return ""
    if max(map(abs, (apart, low, high))) < 1e-9:
        return " NASCA and MEXA correlate equally."
    verdict = (
        "NASCA correlates better than MEXA"
        if low > 0
        else "MEXA correlates better than NASCA"
        if high < 0
        else "These languages do not separate NASCA from MEXA"
    )
    return f" {verdict} (difference {signed(apart)}, {confidence(low, high, signed, 'languages')})."


def best_layer_finding(layers: pd.DataFrame) -> str:
    """For each state, the layer whose scores alone correlate best with accuracy."""
    parts = []
    for state in STATES:
        best = best_layer(layers, state)
        if best:
            parts.append(f"{STATE_NAMES[state]}, layer {best[0]} ({score(best[1])})")
    if not parts:
        return ""
    return (
        f"The single layers with the highest Pearson correlation: {'; '.join(parts)}. They are selected after the "
        "fact, so these values are optimistic."
    )
