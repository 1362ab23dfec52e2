"""What moved between two stores, or two models of one: every score before and after, those that moved in colour."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, Theme
from neuronxa_core.figures.style import blank, hover
from neuronxa_core.figures.wording import joined_names
from neuronxa_core.numbers import CONFIDENCE, count, interval, score, signed
from neuronxa_core.states.sentences import State
from neuronxa_core.study.naming import model_title
from neuronxa_core.study.result import SUMMARY_NAMES

_HEIGHT = 420
_BY_CHANCE = 0.05
"""Share of 95 percent intervals that exclude 0 although nothing moved."""


def moved_figure(table: pd.DataFrame, state: State, theme: Theme = "light") -> go.Figure:
    """A point per result: the score before and after, 0 to 1; on the dotted line nothing changed.

    table: as sweep.diff gives it. Filled and in the state's colour is what moved beyond its interval.
    """
    palette, rows = PALETTES[theme], table[table["measure"] == SUMMARY_NAMES[state]]
    figure = blank(theme, _HEIGHT, margin={"l": 8, "r": 12, "t": 12, "b": 8}, hovermode="closest")
    for name, part, colour, filled in (
        ("within", rows[~rows["moved"]], palette.muted, False),
        ("moved", rows[rows["moved"]], palette.states[state], True),
    ):
        figure.add_trace(
            go.Scatter(
                x=part["before"],
                y=part["after"],
                mode="markers",
                name=name,
                marker={
                    "color": colour if filled else palette.ground,
                    "size": 8 if filled else 6,
                    "line": {"color": colour, "width": 1.4},
                    "opacity": 0.9 if filled else 0.6,
                },
                **hover(_told(row) for row in part.to_dict("records")),
            )
        )
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": palette.muted, "width": 1, "dash": "dot"})
    low, high = (float(end) for end in (rows[["before", "after"]].min().min(), rows[["before", "after"]].max().max()))
    room = max(0.02, 0.05 * (high - low))
    ends = [max(-0.02, low - room), min(1.02, high + room)]
    figure.update_xaxes(title_text=f"{SCORE_NAMES[state]} before", range=ends)
    figure.update_yaxes(title_text=f"{SCORE_NAMES[state]} after", range=ends)
    return figure


def _told(row: Mapping[Hashable, Any]) -> str:
    ends = interval(row["ci_low"], row["ci_high"], signed)
    return (
        f"<b>{language(row['source']).name}</b><br>{model_title(row['model'])}<br>{score(row['before'])} before, "
        f"{score(row['after'])} after<br>difference {signed(row['difference'])}  [{ends}]"
    )


def exportable_moved(table: pd.DataFrame, state: State, what: str) -> ExportableFigure:
    """what: names both sides, such as `first to second`."""
    told = {"model": table["model"].map(model_title), "corpus": table["corpus"]}
    models, corpora = (joined_names(list(dict.fromkeys(names))) for names in told.values())
    results = count(int((table["measure"] == SUMMARY_NAMES[state]).sum()), "result")
    return ExportableFigure(
        f"moved.{state}",
        f"{SCORE_NAMES[state]} before and after: {what}",
        f"Mean over layers. Filled: the {CONFIDENCE} interval of the difference excludes 0 (pairs resampled).",
        f"{models} · {corpora} · {results} that both have",
        lambda theme: moved_figure(table, state, theme),
    )


def moved_finding(table: pd.DataFrame, state: State) -> str:
    """How many scores moved, up and down, and which most. table: as sweep.diff gives it, not empty."""
    rows = table[table["measure"] == SUMMARY_NAMES[state]]
    found = rows[rows["moved"]]
    scores = count(len(rows), f"{SCORE_NAMES[state]} score")
    if found.empty:
        of = f"None of the {scores}" if len(rows) > 1 else f"The only {SCORE_NAMES[state]} score has not"
        return f"{of} moved beyond its {CONFIDENCE} interval."
    up = int((found["difference"] > 0).sum())
    most = found.loc[found["difference"].abs().idxmax()]
    ends = interval(float(most["ci_low"]), float(most["ci_high"]), signed)
    with_model = f" with {model_title(most['model'])}" if rows["model"].nunique() > 1 else ""
    by_chance = f"about {_BY_CHANCE * len(rows):,.0f}" if len(rows) >= 1 / _BY_CHANCE else "fewer than one"
    whose = "its" if len(found) == 1 else "their"
    return (
        f"{len(found):,} of {scores} moved beyond {whose} {CONFIDENCE} interval: {up:,} up and "
        f"{len(found) - up:,} down; {by_chance} would if nothing had changed. "
        f"Most: {language(str(most['source'])).name}{with_model}, from {score(float(most['before']))} to "
        f"{score(float(most['after']))} ({signed(float(most['difference']))}, {ends})."
    )
