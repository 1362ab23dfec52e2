"""Leaderboard: every model on every language as a heat map, the best model at the top."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.leaderboard import Board
from neuronxa_core.analyses.models import FEWEST, short_model
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, Theme, score_scale, variant_name
from neuronxa_core.figures.style import blank, click_targets, name_columns, score_bar, short_codes
from neuronxa_core.figures.wording import joined_names, within
from neuronxa_core.models.curated import curated
from neuronxa_core.numbers import CONFIDENCE, confidence, count, score
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import SUMMARY_NAMES
from neuronxa_core.study.study import Study

_ROW, _TALL_ROW, _BELOW = 26, 38, 56
_MOST_LABELS = 60
"""With more languages than this, their codes would fill the page."""
_LONGEST, _LONGEST_BELOW = 22, 30


def titles(board: Board) -> dict[str, str]:
    """What people read in place of each variant's name: `Gemma 3 270M (base), Product (gate × up), float32`."""
    return {name: _title(name, study) for name, study in board.studies.items()}


def _title(name: str, study: Study) -> str:
    model, known = short_model(study), curated(study.model)
    if name != model and not name.startswith(f"{model}, "):  # variants of one model, named by what differs alone
        return variant_name(name)
    title = known.title if known else variant_name(model)
    return title + variant_name(name.removeprefix(model))


def _in_two_lines(title: str) -> str:
    """A title for the axis: the model, and its settings below in smaller letters; what is too long is cut."""
    model, _, rest = title.partition(", ")
    lines = (_cut(model, _LONGEST), f"<span style='font-size:12px'>{_cut(rest, _LONGEST_BELOW)}</span>" if rest else "")
    return "<br>".join(filter(None, lines))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def board_heatmap(
    board: Board, order: Sequence[str], codes: Sequence[str], state: State, theme: Theme = "light"
) -> go.Figure:
    """Scores, 0 to 1, of the variants (rows, in this order) on the languages (columns); blank where none is.

    Transparent squares lie over the cells for clicks; their customdata begins with the variant and the code.
    """
    scores, low, high = (board.scores(state, end).loc[list(order), list(codes)] for end in ("", "_low", "_high"))
    called = titles(board)
    ticks = [_in_two_lines(called[name]) for name in order]
    cells = (_TALL_ROW if any("<br>" in each for each in ticks) else _ROW) * len(order)
    figure = blank(theme, cells + _BELOW, dragmode=False, hovermode="closest", hoverdistance=-1)
    figure.add_trace(
        go.Heatmap(
            z=scores.to_numpy(np.float32),
            zmin=0,
            zmax=1,
            colorscale=score_scale(state, theme),
            xgap=1 if len(codes) <= _MOST_LABELS else 0,
            ygap=1,
            hoverinfo="skip",
            name="scores",
            colorbar=score_bar(0.9),
        )
    )
    rows, columns = (each.tolist() for each in np.nonzero(scores.notna().to_numpy()))
    ends = [scores.to_numpy(), low.to_numpy(), high.to_numpy()]
    targets = [
        [
            order[row],
            codes[column],
            _hover(called[order[row]], codes[column], *(float(end[row, column]) for end in ends)),
        ]
        for row, column in zip(rows, columns, strict=True)
    ]
    figure.add_trace(
        click_targets(x=columns, y=rows, customdata=targets, hovertemplate="%{customdata[2]}<extra></extra>")
    )
    shared = {"showgrid": False, "ticks": "", "showline": False, "ticklabelstandoff": 4}
    figure.update_xaxes(range=[-0.5, len(codes) - 0.5], **shared)
    if len(codes) <= _MOST_LABELS:
        named = name_columns(figure, range(len(codes)), short_codes(codes))
    else:
        span = f"{language(codes[0]).name} to {language(codes[-1]).name}"
        figure.update_xaxes(tickvals=[], title_text=f"{count(len(codes), 'language')}, {span}")
        named = 24
    margin = {"l": 8, "r": 12, "t": 4, "b": _BELOW + named - 8}
    figure.update_layout(height=cells + _BELOW + named, margin=margin)
    figure.update_yaxes(range=[len(order) - 0.5, -0.5], tickvals=list(range(len(order))), ticktext=ticks, **shared)
    figure.update_layout(font={"color": PALETTES[theme].ink})
    return figure


def _hover(title: str, code: str, value: float, low: float, high: float) -> str:
    told = f"{score(value)}<br>{confidence(low, high)}"
    return f"<b>{title}</b><br>{language(code).name}: " + told.replace("<0", "&lt;0")


def exportable_board(board: Board, order: Sequence[str], codes: Sequence[str], state: State) -> ExportableFigure:
    study = next(iter(board.studies.values()))
    models = list(dict.fromkeys(variant_name(short_model(each)) for each in board.studies.values()))
    return ExportableFigure(
        f"{study.names['corpus']}.{study.target}.{state}.leaderboard",
        f"{SCORE_NAMES[state]} of {count(len(order), 'model')} on {count(len(codes), 'language')}",
        f"Each cell is the language's {SCORE_NAMES[state]} against {language(study.target).name}: the mean of its "
        f"{within(state)} scores over the layers. Models by their mean, best at the top. Blank: not computed.",
        f"{joined_names(models)} · {study.names['corpus']} · {study.pairs} pairs",
        lambda theme: board_heatmap(board, order, codes, state, theme),
    )


def board_finding(table: pd.DataFrame, board: Board, state: State) -> str:
    """Which model is first, how sure that is, and over which languages. table: of leaderboard.ranking."""
    name, measure, shared = SUMMARY_NAMES[state], SCORE_NAMES[state], len(board.common)
    named = titles(board)
    best = table[table["rank"] == 1]
    first = best.iloc[0]
    over = f"over {count(shared, 'language')} that all have" if shared else "each over its own languages"
    over_its_own = f"over {count(shared, 'language')}"
    if len(table) == 1:
        alone = confidence(first[f"{name}_low"], first[f"{name}_high"], of="languages")
        return f"{named[first['variant']]} has a mean {measure} of {score(first[name])} {over_its_own} ({alone})."
    if len(best) > 1:
        leaders = joined_names([named[each] for each in best["variant"]])
        return f"{leaders} share the first place by {measure}, {score(first[name])}, {over}."
    ends = confidence(first[f"{name}_low"], first[f"{name}_high"], of="languages")
    text = f"{named[first['variant']]} is first by {measure} {over}: {score(first[name])} ({ends})"
    if shared < FEWEST:
        return f"{text}."
    rivals = int((table["rank_low"] <= 1).sum()) - 1
    if not rivals:
        return f"{text}. It stays first in {CONFIDENCE} of the resampled sets of languages."
    others = "one other model is" if rivals == 1 else f"{rivals} other models are"
    return f"{text}. With other languages {others} within reach of the first place."
