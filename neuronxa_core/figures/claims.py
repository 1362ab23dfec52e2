"""The paper's claims: a picture for each, what was measured in words, and the verdict."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.accuracies import UNNAMED
from neuronxa_core.analyses.claim_evidence import COMPARED, gap_groups, level_groups, quarters
from neuronxa_core.analyses.claim_rules import VERDICTS, Evidence, Judged, Rule, Verdict
from neuronxa_core.analyses.claims import ClaimsAnswer
from neuronxa_core.analyses.downstream import alignment_table, joined
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import downstream
from neuronxa_core.figures.curves import draw_curves, state_curve
from neuronxa_core.figures.export import COLUMN, ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, translucent
from neuronxa_core.figures.point_labels import point_labels
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.figures.style import (
    blank,
    colour_key,
    hover,
    interval_bars,
    layer_step,
    name_rows,
    short_codes,
    upright,
)
from neuronxa_core.figures.wording import few_languages, in_a_row, within
from neuronxa_core.metrics.bootstrap import percentile_interval
from neuronxa_core.metrics.crossed import crossed_means
from neuronxa_core.numbers import CONFIDENCE, count, decimal, interval, score, signed, tenths, with_unit
from neuronxa_core.states.sentences import first_layer

_HEIGHT = 300
_GROUP_NAMES: dict[str, str] = {"head": "Head", "long-tail": "Long-tail"} | {**STATE_NAMES}


def groups_figure(rows: pd.DataFrame, title: str, theme: Theme = "light", at: float | None = None) -> go.Figure:
    """Values in points with intervals: a row per group, a dot per state. rows: as claim_evidence.GROUP_COLUMNS.

    title: of the axis. at: where a dotted line marks a threshold.
    """
    groups = list(dict.fromkeys(rows["group"]))[::-1]
    figure = blank(theme, 54 * len(groups) + 100, margin={"l": 8, "r": 12, "t": 34, "b": 8}, hovermode="closest")
    shifts = dict.fromkeys(COMPARED, 0.0) if set(groups) <= set(COMPARED) else {"nas": 0.14, "embedding": -0.14}
    for state in COMPARED:
        shown, colour = rows[rows["state"] == state], PALETTES[theme].states[state]
        figure.add_trace(
            go.Scatter(
                x=shown["value"],
                y=[groups.index(group) + shifts[state] for group in shown["group"]],
                mode="markers",
                name=STATE_NAMES[state],
                marker={"color": colour, "symbol": SYMBOLS[state], "size": 10},
                error_x=interval_bars(shown["high"] - shown["value"], shown["value"] - shown["low"], colour),
                **hover(
                    f"<b>{STATE_NAMES[state]}</b>, {count(row.n, 'language')}<br>"
                    f"{with_unit(decimal(row.value, 1), 'points')}  "
                    f"[{interval(row.low, row.high, lambda each: decimal(each, 1))}]"
                    for row in shown.itertuples()
                ),
            )
        )
    if at is not None:
        upright(figure, at, color=PALETTES[theme].muted, width=1, dash="dot")
    figure.update_xaxes(title_text=title, zeroline=True, zerolinecolor=PALETTES[theme].grid)
    name_rows(figure, [_GROUP_NAMES[group] for group in groups])
    colours = PALETTES[theme].states
    colour_key(figure, [(colours["nas"], "● NAS"), (colours["embedding"], "■ Embedding")])
    return figure


def retrieval_figure(answer: ClaimsAnswer, theme: Theme = "light") -> go.Figure:
    """P@1 in percent, mean of both directions, by resource level and state, with intervals."""
    table = answer.retrieval
    values = 100 * table[["mean", "mean_low", "mean_high"]].set_axis(["value", "low", "high"], axis=1)
    rows = values.assign(group=table["level"], state=table["state"], n=table["languages"])
    return groups_figure(rows, "P@1 in percent, mean of both directions", theme)


def profile_figure(answer: ClaimsAnswer, theme: Theme = "light") -> go.Figure:
    """Mean score over the languages by layer, 0 to 1, with intervals; the middle half of the layers is shaded."""
    figure = blank(theme, _HEIGHT, margin={"l": 8, "r": 12, "t": 34, "b": 8}, hovermode="closest")
    curves = []
    for state in COMPARED:
        scores = np.stack([each.outcomes[state].mutual for each in answer.results]).swapaxes(0, 1)  # layers first
        layer, mean = np.arange(len(scores)) + first_layer(state), scores.mean(axis=(1, 2))
        low, high = percentile_interval(crossed_means(scores)).T
        told = hover(
            f"<b>{STATE_NAMES[state]}, layer {number}</b><br>{score(value)}  [{interval(one, other)}]"
            for number, value, one, other in zip(layer, mean, low, high, strict=True)
        )
        curves.append(state_curve(state, theme, x=layer, y=mean, low=low, high=high, peak=state == "nas", more=told))
    middle = np.flatnonzero(quarters(len(curves[0].x))[1]) + 1
    shade = translucent(PALETTES[theme].muted, 0.1)
    figure.add_vrect(middle.min() - 0.5, middle.max() + 0.5, fillcolor=shade, line_width=0, layer="below")
    draw_curves(figure, curves, theme)
    colours = PALETTES[theme].states
    colour_key(figure, [(colours["nas"], "● NAS"), (colours["embedding"], "■ Embedding")])
    figure.update_xaxes(title_text="Layer", rangemode="tozero", dtick=layer_step(len(curves[0].x)))
    figure.update_yaxes(title_text="Score, mean over languages", range=[-0.02, 1.04], tickformat=".1f", dtick=0.2)
    return figure


def halves_figure(answer: ClaimsAnswer, theme: Theme = "light") -> go.Figure:
    """A language is a point: its NASCA from one half of the pairs (across) and from the other (up), both 0 to 1."""
    palette, table = PALETTES[theme], answer.languages
    colour = palette.states["nas"]
    halves = table["nasca_half"].to_numpy(), table["nasca_other_half"].to_numpy()
    labels = point_labels(short_codes(list(table["language"])), *halves, height=1.25)
    figure = blank(theme, 340, margin={"l": 8, "r": 12, "t": 12, "b": 8}, hovermode="closest")
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": palette.muted, "width": 1, "dash": "dot"})
    figure.add_trace(
        go.Scatter(
            x=table["nasca_half"],
            y=table["nasca_other_half"],
            mode="markers+text",
            name="NASCA",
            text=[label for label, _ in labels],
            textposition=[place for _, place in labels],
            textfont={"size": 12, "color": palette.muted},
            marker={
                "color": [colour if level == "head" else palette.ground for level in table["level"]],
                "symbol": SYMBOLS["nas"],
                "size": 8,
                "line": {"color": colour, "width": 1.6},
            },
            **hover(
                f"<b>{row.name}</b><br>{score(row.nasca_half)} and {score(row.nasca_other_half)}"
                for row in table.itertuples(index=False)
            ),
        )
    )
    for update, half in ((figure.update_xaxes, "1st, 3rd, 5th …"), (figure.update_yaxes, "2nd, 4th, 6th …")):
        update(title_text=f"NASCA, {half} pair", range=[-0.09, 1.06], tickformat=".1f", dtick=0.2)
    return figure


def exportable_retrieval(answer: ClaimsAnswer) -> ExportableFigure:
    return ExportableFigure(
        f"{answer.study.stem}.claims.retrieval",
        f"Translations found by NAS and by embedding, against {language(answer.study.target).name}",
        f"Share of sentences whose nearest neighbour is their translation, mean of both directions, {_where(answer)}, "
        f"with {CONFIDENCE} intervals over languages and pairs.",
        shared_caption(answer.study),
        lambda theme: retrieval_figure(answer, theme),
    )


def exportable_gap_sizes(answer: ClaimsAnswer) -> ExportableFigure:
    rows = gap_groups(answer.results, answer.layers, answer.over)
    return ExportableFigure(
        f"{answer.study.stem}.claims.gaps",
        f"Gap between the directions, against {language(answer.study.target).name}",
        f"P@1 in the direction that is ahead on one half of the pairs minus P@1 in the other, on the other half, "
        f"{_where(answer)}, mean over languages with {CONFIDENCE} intervals. Dotted: {with_unit('5', 'points')}.",
        shared_caption(answer.study),
        lambda theme: groups_figure(rows, "Gap in points", theme, at=5),
    )


def exportable_level_scores(answer: ClaimsAnswer) -> ExportableFigure:
    rows = level_groups(answer.results)
    return ExportableFigure(
        f"{answer.study.stem}.claims.levels",
        f"Alignment with {language(answer.study.target).name} by resource level",
        f"NASCA and MEXA, means over layers, pairs and languages in percent, with {CONFIDENCE} intervals.",
        shared_caption(answer.study),
        lambda theme: groups_figure(rows, "Mean score over layers, in percent", theme),
    )


def exportable_profile(answer: ClaimsAnswer) -> ExportableFigure:
    return ExportableFigure(
        f"{answer.study.stem}.claims.profile",
        "Score by layer, mean over languages",
        f"Share of pairs that are each other's only nearest neighbour, with {CONFIDENCE} intervals over languages and "
        "pairs. Shaded: the middle half of the layers.",
        shared_caption(answer.study),
        lambda theme: profile_figure(answer, theme),
    )


def exportable_halves(answer: ClaimsAnswer) -> ExportableFigure:
    return ExportableFigure(
        f"{answer.study.stem}.claims.halves",
        "NASCA from either half of the pairs",
        "Each point is a language; open points are long-tail languages. Dotted: the same score from both halves.",
        shared_caption(answer.study),
        lambda theme: halves_figure(answer, theme),
        COLUMN,
    )


def claim_figures(answer: ClaimsAnswer) -> Mapping[int, ExportableFigure]:
    """The picture of each claim, by its number; claims without a measurement have none."""
    if not answer.results:
        return {}
    found = {
        1: exportable_retrieval(answer),
        2: exportable_gap_sizes(answer),
        3: exportable_profile(answer),
        4: exportable_level_scores(answer),
        5: exportable_halves(answer),
    }
    if answer.retrieval.empty:  # no language of a known resource level
        del found[1], found[4]
    if answer.accuracies is None:
        return found
    table = joined(alignment_table(answer.results), answer.accuracies)
    benchmarks = list(dict.fromkeys(answer.accuracies["benchmark"]))
    if len(table) and len(benchmarks) == 1:
        found[6] = downstream.exportable_downstream(answer.study, table, "nas", benchmarks[0] or UNNAMED)
    return found


def _where(answer: ClaimsAnswer) -> str:
    if answer.over == "mean":
        return "mean over layers"
    named = [f"{within(state)} at layer {layer}" for state, layer in answer.layers.items()]
    return f"{in_a_row(named)}, chosen on the other half of the pairs"


def measured_in_words(rule: Rule, found: Evidence) -> str:
    """A condition's value with its interval and the number of languages: `+4.2 points [+1.0 to +7.5], 25 languages`."""
    if np.isnan(found.value):
        return "not measured"
    points = rule.unit == "points"
    number = tenths if points else signed if rule.part == "over_mexa" else score
    value = with_unit(number(found.value), "points") if points else number(found.value)
    narrow = np.isnan(found.low) or found.high - found.low < 1e-9
    ends = "" if narrow else f" [{interval(found.low, found.high, number)}]"
    named = {"languages": "language", "model families": "model family"}[rule.of]
    return f"{value}{ends}, {count(found.n, named, rule.of)}"


def others_in_words(verdicts: Sequence[Verdict]) -> str:
    """The verdicts on claims 1 to 4 in another model: `claims 1 and 3 hold, 2 does not, 4 cannot be told`."""
    parts = []
    for verdict, one, several in (
        ("holds", "holds", "hold"),
        ("fails", "does not hold", "do not hold"),
        ("undecided", "cannot be told", "cannot be told"),
    ):
        numbers = [str(number) for number, each in enumerate(verdicts, 1) if each == verdict]
        if numbers:
            parts.append(f"{in_a_row(numbers)} {one if len(numbers) == 1 else several}")
    return f"of claims 1 to {len(verdicts)}, {'; '.join(parts)}"


def verdict_in_words(judged: Judged) -> str:
    """`Holds here.`, or that it cannot be told, and why."""
    said = f"{VERDICTS[judged.verdict]}."
    return f"{said} {judged.reason}" if judged.reason else said


def claims_finding(answer: ClaimsAnswer) -> str:
    """How many of the claims hold, fail and cannot be told, by number, and what few languages mean."""
    if not answer.results:
        return f"None of the seven claims can be told from this. {answer.reason}"
    parts, few = [], few_languages(len(answer.results))
    for verdict, said in (("holds", "hold"), ("fails", "do not hold"), ("undecided", "cannot be told from this")):
        numbers = [str(each.claim.number) for each in answer.judged if each.verdict == verdict]
        if len(numbers) == len(answer.judged):
            all_seven = {"holds": "All", "fails": "None", "undecided": "None"}[verdict]
            said = {"holds": "hold", "fails": "holds", "undecided": "can be told from this"}[verdict]
            return f"{all_seven} of the paper's seven claims {said}, by the rules written down here.{few}"
        if numbers:
            one = {"hold": "holds", "do not hold": "does not hold"}.get(said, said) if len(numbers) == 1 else said
            parts.append(f"{in_a_row(numbers)} {one}")
    told = f"Of the paper's seven claims, {'; '.join(parts)}, by the rules written down here."
    return told + few


@exportables_of.register
def _(answer: ClaimsAnswer) -> Exportables:
    return {f"claim_{number}": each for number, each in claim_figures(answer).items()}


@finding_of.register
def _(answer: ClaimsAnswer) -> str:
    return claims_finding(answer)
