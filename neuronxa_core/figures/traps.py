"""The scores of a trap side by side, each with its interval and its chance, and what became of the first one."""

import re

import plotly.graph_objects as go

from neuronxa_core.analyses.traps import REPEATED, TRAPS, Reading, Trap, TrapResults
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.figures.style import blank, hover, interval_bars
from neuronxa_core.figures.wording import named
from neuronxa_core.interface import local, tr
from neuronxa_core.numbers import chance, interval, score
from neuronxa_core.study.result import fertility

HEIGHT = 300
_SAME = 0.02
"""A difference that does not count as one."""


def change(before: Reading, after: Reading) -> str:
    """`rises`, `stays` or `falls`."""
    difference = after.score - before.score
    return "stays" if abs(difference) < _SAME else "rises" if difference > 0 else "falls"


def labels(answer: TrapResults, trap: Trap) -> list[str]:
    """What each score of a trap is of."""
    return [_label(trap, each) for each in answer.readings(trap)]


def _label(trap: Trap, reading: Reading) -> str:
    if trap == "shredded":
        return _tokens(reading)
    said = {
        "repeated": tr("the same, {count} of them twice", count=REPEATED),
        "unlabelled": tr("as they are, mean"),
        "labelled": tr("with names, numbers, mean"),
        "unlabelled_layer": tr("as they are, layer {layer}", layer=reading.layer),
        "labelled_layer": tr("with names, numbers, layer {layer}", layer=reading.layer),
        "shuffled": tr("shuffled"),
        "few_shuffled": tr("mean over layers"),
        "best_layer": tr("best layer, {layer}", layer=reading.layer),
        "same_layer": tr("layer {layer}, ten other pairs", layer=reading.layer),
    }
    if trap == "shuffled" and reading.name == "whole":
        return tr("as they belong")
    return said.get(reading.name) or tr("{count} pairs", count=reading.result.pairs)


def _tokens(reading: Reading) -> str:
    code = reading.result.study.source
    name = named(code)
    if reading.name == "other_letters":
        name = tr("{language} in other letters", language=name)
    ratio = local(score(fertility(reading.result.provenance, code), 1))
    return tr("{language}, {ratio} tokens per English token", language=name, ratio=ratio)


def trap_figure(answer: TrapResults, trap: Trap, shown: bool = True, theme: Theme = "light") -> go.Figure:
    """A bar per score, 0 to 1, with its 95 percent interval and a dotted line at its chance.

    shown: whether all bars stand in it, or only the first, and question marks.
    """
    palette, readings = PALETTES[theme], answer.readings(trap)
    figure = blank(theme, HEIGHT, margin={"l": 8, "r": 8, "t": 12, "b": 8}, hovermode="closest")
    seen = readings if shown else readings[:1]
    names = labels(answer, trap)
    scores, ends = [each.score for each in seen], [each.interval for each in seen]
    colour = palette.states["nas"]
    figure.add_trace(
        go.Bar(
            **{"x": list(range(len(seen))), "y": scores, "name": "NAS", "width": 0.5, "marker": {"color": colour}},
            error_y=interval_bars(
                [high - value for value, (_, high) in zip(scores, ends, strict=True)],
                [value - low for value, (low, _) in zip(scores, ends, strict=True)],
                palette.ink,
            ),
            **hover(
                f"<b>{name}</b><br>{local(score(each.score))} [{local(interval(*each.interval))}]"
                for name, each in zip(names, seen, strict=False)
            ),
        )
    )
    for place, each in enumerate(readings):
        known = place < len(seen)
        text, height = (f"<b>{local(score(each.score))}</b>", each.interval[1]) if known else ("?", 0.0)
        at = {"x": place, "y": max(height, each.chance), "yshift": 12}
        figure.add_annotation(**at, text=text, showarrow=False, font={"size": 15})
        _level(figure, place, each.chance, palette.muted)
    width = 11 if len(names) > 3 else 16
    figure.update_xaxes(
        tickvals=list(range(len(names))),
        ticktext=["<br>".join(_lines(name, width)) for name in names],
        **{"range": [-0.5, len(names) - 0.5], "showgrid": False, "ticks": "", "tickangle": 0},
    )
    figure.update_yaxes(title_text=tr("NAS score"), range=[0, 1.12], tickvals=[0, 0.5, 1])
    return figure


def _lines(name: str, width: int) -> list[str]:
    """The name in lines of about so many letters, of which one in Chinese has the width of two."""
    lines, room = [""], width
    for part in re.findall(r"[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+|\s+", name):
        wide = 2 * len(part) if part[0] >= "\u3000" else len(part)
        if wide > room and lines[-1] and part not in "，：）、。":
            lines, room = [*lines, ""], width
        lines[-1], room = lines[-1] + part, room - wide
    return [line.strip() for line in lines]


def _level(figure: go.Figure, place: int, height: float, colour: str) -> None:
    line = {"color": colour, "width": 1.5, "dash": "dot"}
    figure.add_shape(type="line", x0=place - 0.4, x1=place + 0.4, y0=height, y1=height, line=line)


def compared(answer: TrapResults, trap: Trap) -> tuple[Reading, Reading]:
    """The score that a trap starts from, and the one that it leads to."""
    readings = answer.readings(trap)
    return readings[0], readings[-1 if trap == "few" else 1]


def trap_finding(answer: TrapResults, trap: Trap) -> str:
    """What became of the first score, and what chance would give."""
    before, after = compared(answer, trap)
    said = {"before": local(score(before.score)), "after": local(score(after.score))}
    said["chance"] = local(chance(after.chance))
    if (became := change(before, after)) == "stays":
        return tr("The score stays, {before} before and {after} after; chance is {chance}.", **said)
    if became == "rises":
        return tr("The score rises from {before} to {after}; chance is {chance}.", **said)
    return tr("The score falls from {before} to {after}; chance is {chance}.", **said)


def exportable_trap(answer: TrapResults, trap: Trap, shown: bool = True) -> ExportableFigure:
    title = {
        "duplicates": tr("Duplicates"),
        "shredded": tr("A shredded language"),
        "labels": tr("Shared names and numbers"),
        "few": tr("Ten pairs instead of a hundred"),
        "shuffled": tr("Shuffled pairs"),
        "picked": tr("A layer chosen after the fact"),
    }[trap]
    note = tr("Bars: the share of aligned pairs, with its 95 % interval. Dotted: what chance would give.")
    return ExportableFigure(
        f"{answer.study.stem}.traps.{trap}",
        title,
        f"{note} {trap_finding(answer, trap)}" if shown else note,
        answer.study.caption,
        lambda theme: trap_figure(answer, trap, shown, theme),
    )


@exportables_of.register
def _(answer: TrapResults) -> Exportables:
    return {str(trap): exportable_trap(answer, trap) for trap in TRAPS}


@finding_of.register
def _(answer: TrapResults) -> str:
    return trap_finding(answer, "duplicates")
