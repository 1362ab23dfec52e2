"""A pair's alignment by layer without a change of neurons, with it, and under random neurons."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.continuation import ContinuedText
from neuronxa_core.analyses.with_without import ChangedAlignment
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.alignment import chance_line
from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends, state_curve
from neuronxa_core.figures.export import ExportableFigure, pair_name
from neuronxa_core.figures.interventions import choice_of, set_to
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, Theme
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.figures.style import blank, hover, layer_step
from neuronxa_core.figures.wording import few_pairs, within
from neuronxa_core.numbers import CONFIDENCE, confidence, count, interval, score, signed
from neuronxa_core.states.sentences import STATES, State, first_layer

CURVES_HEIGHT = 400


def changed_curves(answer: ChangedAlignment, state: State, theme: Theme = "light") -> go.Figure:
    """The share of aligned pairs, 0 to 1, against the layer: unchanged, changed, and the mean under random neurons.

    Bands are 95 percent intervals; the dotted line is chance.
    """
    rows = answer.table[answer.table["state"] == state]
    first, last = first_layer(state), int(rows["layer"].iloc[-1])
    figure = blank(theme, CURVES_HEIGHT, margin={"l": 8, "r": 92, "t": 20, "b": 8}, hovermode="closest")
    figure.update_xaxes(title_text="Layer", range=[first - 0.4, last + 0.4], dtick=layer_step(last))
    figure.update_yaxes(title_text="Aligned pairs, as a share of all", range=[-0.02, 1.04], tickformat=".1f", dtick=0.2)
    chance_line(figure, answer.chance, last, theme)
    muted, x = PALETTES[theme].muted, rows["layer"].to_numpy(float)
    given = {
        name: {"x": x, "y": rows[name].to_numpy(), "low": rows[f"{name}_low"], "high": rows[f"{name}_high"]}
        for name in ("unchanged", "changed")
    }
    ink = PALETTES[theme].ink
    curves = [
        Curve(
            name="unchanged", colour=ink, symbol="circle", size=5, more=_hover(rows, "unchanged"), **given["unchanged"]
        ),
        state_curve(state, theme, name="changed", more=_hover(rows, "changed"), **given["changed"]),
    ]
    if answer.controls:
        more = _hover(rows, "control", f"mean of {count(len(answer.controls), 'random set')}")
        control = rows["control"].to_numpy()
        curves.append(Curve(name="random", colour=muted, x=x, y=control, width=1.6, dash="dash", more=more))
    draw_curves(figure, curves[::-1], theme)
    label_ends(figure, [*ends(curves), ("chance", muted, answer.chance)], gap=0.065, low=0.0, high=1.02, x=last + 0.4)
    return figure


def _hover(rows: pd.DataFrame, column: str, name: str = "") -> dict[str, Any]:
    """The hover texts of a curve: its score at each layer."""
    said = zip(rows[column], rows["layer"], strict=True)
    return hover([f"<b>{score(value)}</b> {name or column}, layer {layer}" for value, layer in said])


def exportable_with_without(answer: ChangedAlignment, state: State) -> ExportableFigure:
    return ExportableFigure(
        f"{answer.study.stem}.interventions.with_without.{state}",
        f"{SCORE_NAMES[state]} of {pair_name(answer.study)} with {whose(answer)} {set_to(answer.asked)}, and without",
        f"Share of the {count(answer.pairs, 'test pair')} that are each other's only nearest neighbour, by "
        f"{within(state)}, with {CONFIDENCE} intervals; dashed: mean under random neurons of the same number in "
        f"the same layers. {choice_of(answer.asked)}",
        answer.study.caption,
        lambda theme: changed_curves(answer, state, theme),
    )


def with_without_finding(answer: ChangedAlignment, state: State) -> str:
    """How much the mean over layers changes, how much it does under random neurons, and where most."""
    name, pair = SCORE_NAMES[state], pair_name(answer.study)
    if not answer.neurons:
        return f"No neuron is selected, so {name} of {pair} stays {score(answer.mean(state)[0])}."
    before, after = answer.mean(state)
    said = f"With {whose(answer)} {set_to(answer.asked)}, {name} of {pair} is {score(after)} instead of {score(before)}"
    if abs(after - before) > 1e-9:
        said += f", a change of {signed(after - before)} ({confidence(*answer.change_interval(state), signed)})"
    return f"{said}.{_beside_controls(answer, state)}{_most_changed(answer, state)}{few_pairs(answer.pairs)}"


def _beside_controls(answer: ChangedAlignment, state: State) -> str:
    beyond, controls = answer.beyond_controls(state), answer.control_means(state)
    if beyond is None:
        return " No random neurons were measured, and without them the change says nothing about these."
    value, low, high = beyond
    after = answer.mean(state)[1]
    if high < 0 and after < controls.min():
        verdict = "so these neurons matter more to the pair than random ones"
    elif low > 0 and after > controls.max():
        verdict = "so the pair is better aligned with these neurons changed than with random ones"
    else:
        verdict = "so changing these neurons does not stand out from changing random ones"
    ends = interval(float(controls.min()), float(controls.max()))
    spread = f" ({ends})" if len({*ends.split(" to ")}) > 1 else ""
    return (
        f" Under {count(len(controls), 'random set')} of as many in the same layers it is "
        f"{score(float(controls.mean()))}{spread}; the difference is {signed(value)} "
        f"({confidence(low, high, signed)}), {verdict}."
    )


def _most_changed(answer: ChangedAlignment, state: State) -> str:
    rows = answer.table[answer.table["state"] == state]
    most = rows.loc[rows["change"].abs().idxmax()]
    if abs(most["change"]) < 1e-9:
        return ""
    return (
        f" The curve changes most at layer {int(most['layer'])}, from {score(most['unchanged'])} to "
        f"{score(most['changed'])}."
    )


def whose(answer: ChangedAlignment | ContinuedText) -> str:
    """`the 260 neurons of German`, `the 9 neurons active in all languages`, `no neurons of German`."""
    known = language(answer.neurons_of)
    number = "one neuron" if answer.neurons == 1 else f"{answer.neurons:,} neurons"
    if not answer.neurons:
        return f"no neurons of {known.name}" if known.known else "no neurons"
    if known.known:
        return f"the {number} of {known.name}"
    kinds = {"shared": f"the {number} active in all languages", "random": f"{number} drawn at random"}
    return kinds.get(str(answer.asked["set"]), f"the {number} of the list")


@exportables_of.register
def _(answer: ChangedAlignment) -> Exportables:
    return {state: exportable_with_without(answer, state) for state in STATES}


@finding_of.register
def _(answer: ChangedAlignment) -> str:
    return with_without_finding(answer, "nas")
