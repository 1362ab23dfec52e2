"""The paper's claims: a picture for each, what was measured in words, and the verdict."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from neuronxa_core.analyses.accuracies import UNNAMED
from neuronxa_core.analyses.claim_evidence import COMPARED, quarters
from neuronxa_core.analyses.claim_rules import VERDICTS, Evidence, Judged, Rule
from neuronxa_core.analyses.claims import ClaimsAnswer
from neuronxa_core.analyses.downstream import alignment_table, joined
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import asymmetry, downstream, overview
from neuronxa_core.figures.curves import draw_curves, state_curve
from neuronxa_core.figures.export import COLUMN, ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, SYMBOLS, Theme, translucent
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.figures.style import blank, colour_key, hover, interval_bars, name_rows, short_codes
from neuronxa_core.figures.wording import few_languages, in_a_row
from neuronxa_core.metrics.bootstrap import percentile_interval
from neuronxa_core.metrics.crossed import crossed_means
from neuronxa_core.numbers import CONFIDENCE, count, decimal, interval, percent, score, signed, tenths, with_unit
from neuronxa_core.states.sentences import first_layer

_HEIGHT = 300
_LEVEL_NAMES = {"head": "Head", "long-tail": "Long-tail"}


def retrieval_figure(answer: ClaimsAnswer, theme: Theme = "light") -> go.Figure:
    """P@1, mean of both directions, with intervals: a row per resource level, a dot per state."""
    table, levels = answer.retrieval, list(dict.fromkeys(answer.retrieval["level"]))[::-1]
    figure = blank(theme, 70 * len(levels) + 90, margin={"l": 8, "r": 12, "t": 34, "b": 8}, hovermode="closest")
    for state, shift in zip(COMPARED, (0.14, -0.14), strict=True):
        rows, colour = table[table["state"] == state], PALETTES[theme].states[state]
        figure.add_trace(
            go.Scatter(
                x=rows["mean"],
                y=[levels.index(level) + shift for level in rows["level"]],
                mode="markers",
                name=STATE_NAMES[state],
                marker={"color": colour, "symbol": SYMBOLS[state], "size": 10},
                error_x=interval_bars(rows["mean_high"] - rows["mean"], rows["mean"] - rows["mean_low"], colour),
                **hover(
                    f"<b>{STATE_NAMES[state]}, {row.level}</b><br>P@1 {percent(row.mean, 1)}  "
                    f"[{interval(row.mean_low, row.mean_high)}]<br>{count(row.languages, 'language')}"
                    for row in rows.itertuples()
                ),
            )
        )
    figure.update_xaxes(title_text="P@1, mean of both directions", range=[-0.01, 1.02], tickformat=".1f", dtick=0.2)
    name_rows(figure, [_LEVEL_NAMES[level] for level in levels])
    colours = PALETTES[theme].states
    colour_key(figure, [(colours["nas"], "● NAS"), (colours["embedding"], "■ Embedding")])
    return figure


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
    figure.update_xaxes(title_text="Layer", rangemode="tozero")
    figure.update_yaxes(title_text="Score, mean over languages", range=[-0.02, 1.04], tickformat=".1f", dtick=0.2)
    return figure


def halves_figure(answer: ClaimsAnswer, theme: Theme = "light") -> go.Figure:
    """A language is a point: its NASCA from one half of the pairs (across) and from the other (up), both 0 to 1."""
    palette, table = PALETTES[theme], answer.languages
    colour = palette.states["nas"]
    figure = blank(theme, 340, margin={"l": 8, "r": 12, "t": 12, "b": 8}, hovermode="closest")
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": palette.muted, "width": 1, "dash": "dot"})
    figure.add_trace(
        go.Scatter(
            x=table["nasca_half"],
            y=table["nasca_other_half"],
            mode="markers+text",
            name="NASCA",
            text=short_codes(list(table["language"])),
            textposition="top center",
            textfont={"size": 11, "color": palette.muted},
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
        update(title_text=f"NASCA, {half} pair", range=[-0.03, 1.03], tickformat=".1f", dtick=0.2)
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
        2: asymmetry.exportable_gaps(answer.results),
        3: exportable_profile(answer),
        4: overview.exportable_ranking(answer.results),
        5: exportable_halves(answer),
    }
    if answer.retrieval.empty:  # no language of a known resource level
        del found[1]
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
    named = [f"{STATE_NAMES[state]} at layer {layer}" for state, layer in answer.layers.items()]
    return f"{in_a_row(named)}, chosen on the other half of the pairs"


def measured_in_words(rule: Rule, found: Evidence) -> str:
    """A condition's value with its interval and the number of languages: `+4.2 points [+1.0 to +7.5], 25 languages`."""
    if np.isnan(found.value):
        return "not measured"
    points = rule.unit == "points"
    value = with_unit(tenths(found.value), "points") if points else decimal(found.value)
    narrow = np.isnan(found.low) or found.high - found.low < 1e-9
    ends = "" if narrow else f" [{interval(found.low, found.high, tenths if points else signed)}]"
    named = {"languages": "language", "model families": "model family"}[rule.of]
    return f"{value}{ends}, {count(found.n, named, rule.of)}"


def verdict_in_words(judged: Judged) -> str:
    """`Holds here.`, or that it cannot be told, and why."""
    said = f"{VERDICTS[judged.verdict]}."
    return f"{said} {judged.reason}" if judged.reason else said


def claims_finding(answer: ClaimsAnswer) -> str:
    """How many of the claims hold, fail and cannot be told, by number, and what few languages mean."""
    if not answer.results:
        return f"None of the seven claims can be told from this. {answer.reason}"
    parts = []
    for verdict, said in (("holds", "hold"), ("fails", "do not hold"), ("undecided", "cannot be told from this")):
        numbers = [str(each.claim.number) for each in answer.judged if each.verdict == verdict]
        if numbers:
            one = {"hold": "holds", "do not hold": "does not hold"}.get(said, said) if len(numbers) == 1 else said
            parts.append(f"{in_a_row(numbers)} {one}")
    told = f"Of the paper's seven claims, {'; '.join(parts)}, by the rules written down here."
    return told + few_languages(len(answer.results))


@exportables_of.register
def _(answer: ClaimsAnswer) -> Exportables:
    return {f"claim_{number}": each for number, each in claim_figures(answer).items()}


@finding_of.register
def _(answer: ClaimsAnswer) -> str:
    return claims_finding(answer)
