"""Alignment over the revisions of one model: a curve per state."""

import numpy as np
import plotly.graph_objects as go

from neuronxa_core.analyses.revisions import RevisionCurve
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import draw_curves, state_curve
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, Theme
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.figures.style import blank, colour_key, hover
from neuronxa_core.numbers import CONFIDENCE, confidence, count, interval, score
from neuronxa_core.states.sentences import STATES

REVISIONS_HEIGHT = 380
_WIDE = 50
"""From so many times the first step on, the axis is logarithmic."""
_MARKS = {"nas": "●", "nav": "◆", "embedding": "■"}


def revisions_figure(answer: RevisionCurve, theme: Theme = "light") -> go.Figure:
    """Mean score over layers and languages, 0 to 1, over the steps in the revisions' names, with intervals.

    Where a name has no number, or two have the same, the revisions stand at equal distances in their order.
    """
    curve, palette = answer.curve, PALETTES[theme]
    names = list(answer.results)
    steps = [curve.loc[curve["revision"] == name, "step"].iloc[0] for name in names]
    numbered = not np.isnan(steps).any() and len(set(steps)) == len(steps)
    places = np.array(steps if numbered else range(len(names)), dtype=np.float64)
    figure = blank(theme, REVISIONS_HEIGHT, margin={"l": 8, "r": 12, "t": 34, "b": 8}, hovermode="closest")
    curves = []
    for state in STATES:
        rows = curve[curve["state"] == state].set_index("revision").loc[names].reset_index()
        told = hover(
            f"<b>{SCORE_NAMES[state]}, {row.revision}</b><br>{score(row.score)}  [{interval(row.ci_low, row.ci_high)}]"
            for row in rows.itertuples()
        )
        ends = {"low": rows["ci_low"].to_numpy(), "high": rows["ci_high"].to_numpy()}
        values = rows["score"].to_numpy()
        curves.append(state_curve(state, theme, name=SCORE_NAMES[state], x=places, y=values, **ends, more=told))
    draw_curves(figure, curves, theme)
    colour_key(figure, [(palette.states[state], f"{_MARKS[state]} {SCORE_NAMES[state]}") for state in STATES])
    if numbered and places.min() > 0 and places.max() / places.min() >= _WIDE:
        figure.update_xaxes(type="log", title_text="Step, logarithmic")
    elif numbered:
        figure.update_xaxes(title_text="Step")
    else:
        figure.update_xaxes(title_text="Revision", tickvals=places, ticktext=names)
    figure.update_yaxes(title_text="Mean score", range=[-0.02, 1.04], tickformat=".1f", dtick=0.2)
    return figure


def exportable_revisions(answer: RevisionCurve) -> ExportableFigure:
    base = answer.base
    languages = count(len(next(iter(answer.results.values()))), "language")
    return ExportableFigure(
        f"{base.stem}.revisions",
        f"Alignment with {language(base.target).name} over {count(len(answer.results), 'revision')}",
        f"NASCA, NAVCA and MEXA: means over the layers, the pairs and {languages}, with {CONFIDENCE} intervals over "
        "languages and pairs.",
        base.caption,
        lambda theme: revisions_figure(answer, theme),
    )


def revisions_finding(answer: RevisionCurve) -> str:
    """From where to where NASCA goes, where it is highest, and whether the ends' intervals meet."""
    nas = answer.curve.query("state == 'nas'").reset_index(drop=True)
    first, last, best = nas.iloc[0], nas.iloc[-1], nas.loc[nas["score"].idxmax()]
    apart = first.ci_high < last.ci_low or last.ci_high < first.ci_low
    ends = [f"{score(row.score)} ({confidence(row.ci_low, row.ci_high)})" for row in (first, last)]
    return (
        f"From {first.revision} to {last.revision}, NASCA goes from {ends[0]} to {ends[1]}; the "
        f"intervals {'do not ' if apart else ''}overlap. It is highest at {best.revision} ({score(best.score)})."
    )


@exportables_of.register
def _(answer: RevisionCurve) -> Exportables:
    return {"revisions": exportable_revisions(answer)}


@finding_of.register
def _(answer: RevisionCurve) -> str:
    return revisions_finding(answer)
