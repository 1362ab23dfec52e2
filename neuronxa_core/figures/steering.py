"""What a direction between two languages does: which language comes out by strength, and what it costs."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from neuronxa_core.analyses.effects import Beyond
from neuronxa_core.analyses.steering_answer import (
    SIDES,
    UNSTEERED,
    Condition,
    Measured,
    Side,
    SteeringAnswer,
)
from neuronxa_core.corpora.identifier import PIECE
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import LANGUAGE_SYMBOLS, PALETTES, Theme
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.figures.style import blank, hover, level, signed_ticks, tick
from neuronxa_core.numbers import CONFIDENCE, confidence, count, percent, points, signed_percent, tenths, with_unit

STEERING_HEIGHT = 400
_MORE = 0.1
"""By so much, as a share, continuations repeat themselves more before the finding says so."""


def language_figure(answer: SteeringAnswer, theme: Theme = "light") -> go.Figure:
    """Share of the continuations in the target and in the source, 0 to 1, against strength; 0 is the unchanged model.

    Bands are 95 percent intervals over prompts. Circles: in the target under each random direction; dashed: their mean.
    """
    figure, muted = _by_strength(answer, theme), PALETTES[theme].muted
    figure.update_yaxes(title_text="Continuations, as a share of all", range=[-0.04, 1.04], tickformat=".1f", dtick=0.2)
    curves = [_language_curve(answer, side, theme) for side in SIDES[::-1]]
    controls = {each: [answer.share(one, "target") for one in answer.controls(each)] for each in answer.strengths}
    if any(controls.values()):
        means = [answer.share(answer.conditions[UNSTEERED], "target"), *(float(np.mean(v)) for v in controls.values())]
        curves.insert(0, _random_curve(answer, "random", muted, means, [percent(each) for each in means]))
        _circles(figure, controls, muted, [percent(each) for shares in controls.values() for each in shares])
    draw_curves(figure, curves, theme)
    label_ends(figure, ends(curves), gap=0.075, low=0.0, high=1.02, x=max(answer.strengths))
    return figure


def cost_figure(answer: SteeringAnswer, theme: Theme = "light") -> go.Figure:
    """Relative change of bits per byte in both languages, as a fraction, against strength.

    Bands are 95 percent intervals over sentences; dashed: the mean under the random directions.
    """
    figure, curves = _by_strength(answer, theme), []
    for side, colour in zip(SIDES, PALETTES[theme].languages[::-1], strict=True):
        if answer.controls(answer.strengths[0]):
            means = [0.0, *(_random_change(answer, each, side) for each in answer.strengths)]
            curves.append(_random_curve(answer, "random", colour, means, [_change(each) for each in means]))
        curves.insert(0, _cost_curve(answer, side, theme))
    curves = curves[::-1]
    draw_curves(figure, curves, theme)
    low = min(0.0, *(float(np.min(each.y if each.low is None else each.low)) for each in curves))
    high = max(float(np.max(each.y if each.high is None else each.high)) for each in curves)
    reach = max(high - low, 0.01)
    figure.update_yaxes(title_text="Change of bits per byte, %", range=[low - 0.04 * reach, high + 0.04 * reach])
    figure.update_yaxes(**signed_ticks(low, high, unit=0.01))
    level(figure, 0, color=PALETTES[theme].muted, width=1, dash="dot")
    label_ends(figure, ends(curves), gap=0.075 * reach, low=low, high=high, x=max(answer.strengths))
    return figure


def _by_strength(answer: SteeringAnswer, theme: Theme) -> go.Figure:
    figure = blank(theme, STEERING_HEIGHT, margin={"l": 8, "r": 96, "t": 16, "b": 8}, hovermode="closest")
    strengths, most = (0.0, *answer.strengths), max(answer.strengths)
    figure.update_xaxes(
        title_text="Strength",
        range=[-0.04 * most, 1.04 * most],
        tickvals=strengths,
        ticktext=[f"{each:g}" for each in strengths],
    )
    return figure


def _language_curve(answer: SteeringAnswer, side: Side, theme: Theme) -> Curve:
    measured = _steered(answer)
    shares = [answer.share(each, side) for each in measured]
    low, high = np.array([answer.share_interval(each, side) for each in measured]).T
    texts = [f"<b>{percent(share)}</b> in {_name(answer, side)}" for share in shares]
    return _side_curve(answer, side, theme, shares, low, high, texts)


def _cost_curve(answer: SteeringAnswer, side: Side, theme: Theme) -> Curve:
    changes, low, high = np.array([answer.change(each, side) for each in _steered(answer)]).T
    texts = [f"<b>{_change(each)}</b> in {_name(answer, side)}" for each in changes]
    return _side_curve(answer, side, theme, changes, low, high, texts)


def _side_curve(
    answer: SteeringAnswer, side: Side, theme: Theme, y: Any, low: Any, high: Any, texts: list[str]
) -> Curve:
    """A curve of a language, in its colour, with a mark at each strength."""
    place = int(side == "target")
    return Curve(
        name=tick(getattr(answer.study, side), longest=12),
        colour=PALETTES[theme].languages[place],
        symbol=LANGUAGE_SYMBOLS[place],
        x=np.array([0.0, *answer.strengths]),
        y=np.asarray(y, float),
        low=low,
        high=high,
        more=hover(_at(answer, texts)),
    )


def _random_curve(answer: SteeringAnswer, name: str, colour: str, means: list[float], told: list[str]) -> Curve:
    texts = _at(answer, [f"<b>{each}</b> on average under random directions" for each in told])
    x, y = np.array([0.0, *answer.strengths]), np.array(means)
    return Curve(name=name, colour=colour, x=x, y=y, width=1.6, dash="dash", more=hover(texts))


def _circles(figure: go.Figure, controls: dict[float, list[float]], colour: str, told: list[str]) -> None:
    x = [strength for strength, shares in controls.items() for _ in shares]
    marker = {"symbol": "circle-open", "size": 8, "color": colour}
    texts = hover([f"{each} under one random direction" for each in told])
    y = [each for shares in controls.values() for each in shares]
    figure.add_trace(go.Scatter(x=x, y=y, mode="markers", name="each random", marker=marker, **texts))


def _at(answer: SteeringAnswer, texts: list[str]) -> list[str]:
    strengths = ("unsteered", *(f"strength {each:g}" for each in answer.strengths))
    return [f"{text}, {each}" for text, each in zip(texts, strengths, strict=True)]


def _steered(answer: SteeringAnswer) -> list[Measured]:
    """What comes out without the direction, and with it at each strength."""
    return [answer.conditions[UNSTEERED], *(answer.conditions[Condition(each, 0)] for each in answer.strengths)]


def _random_change(answer: SteeringAnswer, strength: float, side: Side) -> float:
    return float(np.mean([answer.change(each, side)[0] for each in answer.controls(strength)]))


def _change(share: float) -> str:
    """A relative change in percent: `+53 %`, and with a digit more where it is small, `+0.3 %`."""
    return signed_percent(share) if abs(share) >= 0.095 else with_unit(tenths(100 * share), "%")


def _name(answer: SteeringAnswer, side: Side) -> str:
    return language(getattr(answer.study, side)).name


def _where(answer: SteeringAnswer) -> str:
    return f"after layer {answer.layer} of {answer.layers}"


def exportable_language(answer: SteeringAnswer) -> ExportableFigure:
    return ExportableFigure(
        f"{answer.study.stem}.steering.language",
        f"Which language comes out when {_name(answer, 'source')} is steered to {_name(answer, 'target')}",
        f"Share of {count(len(answer.prompts), 'greedy continuation')} by language, as the identifier tells, with "
        f"{CONFIDENCE} intervals over prompts. DiffMean is added {_where(answer)}; circles and dashed: in "
        f"{_name(answer, 'target')} under random directions of the same length.",
        answer.study.caption,
        lambda theme: language_figure(answer, theme),
    )


def exportable_cost(answer: SteeringAnswer) -> ExportableFigure:
    return ExportableFigure(
        f"{answer.study.stem}.steering.cost",
        f"What steering {_name(answer, 'source')} to {_name(answer, 'target')} costs",
        f"Relative change of bits per byte on the test sentences of both languages with {CONFIDENCE} intervals over "
        f"sentences. DiffMean is added {_where(answer)}; dashed: mean under random directions of the same length.",
        answer.study.caption,
        lambda theme: cost_figure(answer, theme),
    )


def most_moving(answer: SteeringAnswer) -> float:
    """The strength with the largest share of continuations in the target, the smallest of equals."""
    return max(answer.strengths, key=lambda each: answer.share(answer.conditions[Condition(each, 0)], "target"))


def steering_finding(answer: SteeringAnswer) -> str:
    """Whether steering moves the language beyond the random directions, and what that costs in bits per byte."""
    target, source = _name(answer, "target"), _name(answer, "source")
    if not answer.length:
        return (
            f"{source} and {target} have the same mean hidden state {_where(answer)}, so there is no direction to add."
        )
    strength = most_moving(answer)
    steered, plain = answer.conditions[Condition(strength, 0)], answer.conditions[UNSTEERED]
    before, share = answer.share(plain, "target"), answer.share(steered, "target")
    number = count(len(answer.prompts), "continuation")
    if not share:
        return (
            f"Steering does not move the language: {_where(answer)}, DiffMean turns none of {number} of {source} "
            f"prompts into {target} at {_strengths(answer)}, where {percent(before)} are in it without steering. "
            f"{_cost(answer, max(answer.strengths))}"
        )
    best = f", which moves most of {len(answer.strengths)}," if len(answer.strengths) > 1 else ""
    return (
        f"DiffMean from {source} to {target}, added {_where(answer)} with strength {strength:g}{best} puts "
        f"{percent(share)} of {number} into {target}, where {percent(before)} are in it without steering"
        f"{_verdict(answer, answer.beyond_language(strength))} {_cost(answer, strength)}{_repeats(steered, plain)}"
        f"{_script(answer, steered)}"
    )


def _strengths(answer: SteeringAnswer) -> str:
    one = len(answer.strengths) == 1
    return f"strength {answer.strengths[0]:g}" if one else f"any of {len(answer.strengths)} strengths"


def _verdict(answer: SteeringAnswer, found: Beyond | None) -> str:
    """The rest of the sentence, which says how much that is beside the controls."""
    if found is None:
        return ". No random direction was measured, and without one this says nothing about the direction."
    controls = count(int(answer.asked["controls"]), "random direction")
    beside = (
        f" and {percent(found.change - found.value)} under {controls} of the same length (difference "
        f"{points(100 * found.value)}, {confidence(100 * found.low, 100 * found.high, tenths, 'prompts', 'points')})"
    )
    if found.stands_out:
        return f"{beside}. So steering moves the language beyond the controls."
    return f"{beside}. So steering does not move the language beyond the controls."


def _cost(answer: SteeringAnswer, strength: float) -> str:
    """`It costs bits per byte: +181 % in German ..., under random directions ...`."""
    steered, said = answer.conditions[Condition(strength, 0)], []
    for side in SIDES[::-1]:
        change, low, high = answer.change(steered, side)
        mean = f" (random: {_change(_random_change(answer, strength, side))})" if answer.controls(strength) else ""
        ends_ = confidence(low, high, _change, "sentences")
        said.append(f"{_change(change)} in {_name(answer, side)}, {ends_}{mean}")
    return f"Bits per byte change by {' and by '.join(said)}."


def _repeats(steered: Measured, plain: Measured) -> str:
    if not steered.repetition > plain.repetition + _MORE:
        return ""
    return (
        f" The continuations repeat themselves: {percent(steered.repetition)} of their pieces of four characters stood "
        f"in them before, {percent(plain.repetition)} without steering."
    )


def _script(answer: SteeringAnswer, steered: Measured) -> str:
    if not answer.script_tells:
        return " Both languages share a script, so only the identifier tells them apart."
    share = answer.script_share(steered)
    return (
        f" Of the letters, {percent(share)} are in the script of {_name(answer, 'target')}." if share == share else ""
    )


def identifier_sentence(answer: SteeringAnswer) -> str:
    """How far the identifier can be trusted, on lines that it has not seen."""
    table = answer.reliability.set_index("language")
    mean = table.mean()
    of_both = [
        f"{_name(answer, side)} {percent(row['right_short'])} right, {percent(row['cannot_tell_short'])} not told"
        for side in SIDES
        for row in [table.loc[getattr(answer.study, side)]]
    ]
    return (
        f"The identifier knows {len(table)} languages from a few dozen lines each. Of lines that it has not seen it "
        f"names {percent(mean['right'])} correctly; of pieces of {PIECE} characters, {percent(mean['right_short'])}, "
        f"and it cannot tell {percent(mean['cannot_tell_short'])} ({'; '.join(of_both)}). It has no answer for text in "
        "no language: it then names the nearest one, or cannot tell."
    )


@exportables_of.register
def _(answer: SteeringAnswer) -> Exportables:
    return {"language": exportable_language(answer), "cost": exportable_cost(answer)}


@finding_of.register
def _(answer: SteeringAnswer) -> str:
    return steering_finding(answer)
