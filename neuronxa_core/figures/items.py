"""Single sentences and questions: how margins go with bits per byte, whether the aligned choice is the right one."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.choices import ChoicesAnswer
from neuronxa_core.analyses.claim_evidence import COMPARED
from neuronxa_core.analyses.items import CAUTION, SentenceItems
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.figures.style import blank, colour_key, hover, interval_bars, name_rows, tick
from neuronxa_core.figures.wording import in_a_row, joined_names
from neuronxa_core.metrics.correlation import FEWEST
from neuronxa_core.numbers import CONFIDENCE, confidence, count, interval, percent, score
from neuronxa_core.states.sentences import STATES, State

SIDE_NAMES = {"target": "the target's sentence", "source": "the language's own sentence"}
SIGNALS: dict[str, str] = {str(state): name for state, name in STATE_NAMES.items()} | {"source": "Right in the source"}


def item_figure(answer: SentenceItems, side: str, theme: Theme = "light") -> go.Figure:
    """Pearson's r over pairs, -1 to 1, with intervals: a row per language, a dot for NAS and one for embeddings."""
    rows = answer.correlations.query("side == @side")
    codes = list(dict.fromkeys(rows["language"]))[::-1]
    figure = blank(theme, 30 * len(codes) + 120, margin={"l": 8, "r": 12, "t": 34, "b": 8}, hovermode="closest")
    for state, shift in zip(COMPARED, (0.14, -0.14), strict=True):
        shown = rows[rows["state"] == state]
        heights = [codes.index(code) + shift for code in shown["language"]]
        _dots(figure, shown, heights, state, [str(name) for name in shown["name"]], theme)
    _with_zero(figure, "Correlation of margin and predictability", theme)
    name_rows(figure, [tick(code) for code in codes])
    colours = PALETTES[theme].states
    colour_key(figure, [(colours["nas"], "● NAS"), (colours["embedding"], "■ Embedding")])
    return figure


def _dots(
    figure: go.Figure, rows: pd.DataFrame, heights: list[float], state: State, names: list[str], theme: Theme
) -> None:
    colour = PALETTES[theme].states[state]
    figure.add_trace(
        go.Scatter(
            x=rows["pearson"],
            y=heights,
            mode="markers",
            name=STATE_NAMES[state],
            marker={"color": colour, "symbol": SYMBOLS[state], "size": 8},
            error_x=interval_bars(
                rows["pearson_high"] - rows["pearson"], rows["pearson"] - rows["pearson_low"], colour
            ),
            **hover(
                f"<b>{name}</b><br>{STATE_NAMES[state]} r {score(row.pearson)}  "
                f"[{interval(row.pearson_low, row.pearson_high)}]"
                for name, row in zip(names, rows.itertuples(), strict=True)
            ),
        )
    )


def _with_zero(figure: go.Figure, title: str, theme: Theme) -> None:
    figure.add_vline(x=0, line={"color": PALETTES[theme].muted, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text=title, range=[-1.02, 1.02], tickformat=".1f", dtick=0.5)


def phi_figure(answer: ChoicesAnswer, theme: Theme = "light") -> go.Figure:
    """Phi of each signal and a right answer in the target, -1 to 1, with intervals; a row per signal."""
    rows = answer.agreement.query("right == 'target'")
    signals, palette = list(rows["signal"])[::-1], PALETTES[theme]
    figure = blank(theme, 44 * len(rows) + 80, margin={"l": 8, "r": 12, "t": 12, "b": 8}, hovermode="closest")
    for row in rows.itertuples():
        colour = palette.states[row.signal] if row.signal in STATES else palette.ink
        figure.add_trace(
            go.Scatter(
                x=[row.phi],
                y=[signals.index(row.signal)],
                mode="markers",
                name=SIGNALS[row.signal],
                marker={"color": colour, "symbol": SYMBOLS.get(row.signal, "circle"), "size": 9},
                error_x=interval_bars([row.phi_high - row.phi], [row.phi - row.phi_low], colour),
                **hover([f"<b>{SIGNALS[row.signal]}</b><br>{_phi(row)}"]),
            )
        )
    _with_zero(figure, "Phi with a right answer in the target", theme)
    name_rows(figure, [SIGNALS[signal] for signal in signals])
    return figure


def _phi(row: Any) -> str:
    return f"phi is {score(row.phi)} ({confidence(row.phi_low, row.phi_high, of='questions')})"


def exportable_items(answer: SentenceItems, side: str = "target") -> ExportableFigure:
    return ExportableFigure(
        f"{answer.study.stem}.items.{side}",
        f"Margin and predictability of single pairs, with {language(answer.study.target).name}",
        f"Pearson's r, over the pairs of a language, of the margin (mean over layers) with minus the bits per byte of "
        f"{SIDE_NAMES[side]}, with {CONFIDENCE} intervals (pairs resampled). Chance is 0.",
        shared_caption(answer.study),
        lambda theme: item_figure(answer, side, theme),
    )


def exportable_phi(answer: ChoicesAnswer) -> ExportableFigure:
    names = (language(code).name for code in (answer.study.source, answer.study.target))
    return ExportableFigure(
        f"{answer.study.stem}.choices",
        f"Aligned and right: {count(len(answer.rows), 'question')} in {' and '.join(names)}",
        f"Phi over questions with {CONFIDENCE} intervals: whether the aligned choice is the right one, and whether the "
        "model prefers the right one in the target. Chance is 0.",
        answer.study.caption,
        lambda theme: phi_figure(answer, theme),
    )


def items_finding(answer: SentenceItems, side: str = "target") -> str:
    """In how many languages the interval leaves out 0, by NAS, and the caution."""
    rows = answer.correlations.query("side == @side and state == 'nas'")
    known = rows[rows["pearson"].notna()]
    if known.empty:
        return f"Too few pairs, or margins that do not vary, for a correlation over pairs. See also {CAUTION}."
    up, down = known[known["pearson_low"] > 0], known[known["pearson_high"] < 0]
    middle = float(np.median(known["pearson"]))
    parts = [
        f"{said} in {len(found)} of {len(known)} ({joined_names(list(found['name']))})"
        for found, said in ((up, "larger"), (down, "smaller"))
        if len(found)
    ]
    told = "no interval leaves out 0"
    if parts:
        told = f"margins by NAS are {in_a_row(parts)} where the sentence is predicted better"
    return (
        f"Over the pairs of {count(len(known), 'language')}, {told}; the median r is {score(middle)}. That alignment "
        f"goes with performance over languages does not mean that it does over sentences ({CAUTION})."
    )


def choices_finding(answer: ChoicesAnswer) -> str:
    """How often the right choice is preferred and aligned, and phi with its interval."""
    items = answer.items
    right = [percent(items[f"right_{side}"].mean()) for side in ("source", "target")]
    row = answer.agreement.query("signal == 'nas' and right == 'target'").iloc[0]
    source, target = (language(code).name for code in (answer.study.source, answer.study.target))
    told = (
        f"Of {count(len(items), 'question')}, the model prefers the right choice in {right[0]} in {source} and "
        f"{right[1]} in {target}; the right choice is the aligned one by NAS in {percent(items['nas_aligned'].mean())}."
    )
    if np.isnan(row.phi):
        return f"{told} Phi needs at least {FEWEST} questions and outcomes that vary."
    return f"{told} Of aligned and right, {_phi(row)}."


@exportables_of.register
def _(answer: SentenceItems) -> Exportables:
    return {side: exportable_items(answer, side) for side in SIDE_NAMES}


@finding_of.register
def _(answer: SentenceItems) -> str:
    return items_finding(answer)


@exportables_of.register
def _(answer: ChoicesAnswer) -> Exportables:
    return {"phi": exportable_phi(answer)}


@finding_of.register
def _(answer: ChoicesAnswer) -> str:
    return choices_finding(answer)
