"""Method: how a score is made, from tokens to the mean over layers, on a few pairs that can be counted by hand."""

from pathlib import Path

import numpy as np
import streamlit as st

from neuronxa_core.analyses.worked_example import WorkedExample
from neuronxa_core.figures.method.inside import names_of
from neuronxa_core.figures.method.shown import telling_layer
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.interface import tr
from pages.learn import method_steps as steps
from pages.learn.few_pairs import example_or_stop
from pages.learn.told import question
from pages.shared import bound, look, picker, stage


@st.fragment
def seven_steps(example: WorkedExample) -> None:
    """The steps; a control redraws only these."""
    first = st.container()
    with st.container(key="met_controls"):
        looked = _looked(example)
    with first:
        steps.tokens(example, looked)
    steps.gate(example, looked)
    steps.firing(example, looked)
    steps.pooling(example, looked)
    space = look.state_control(STATE_NAMES, "met_state", help=tr("For steps 5 to 7."))
    shown = steps.guess(example, looked, space)
    steps.count(example, looked, space, shown)
    steps.curve(example, looked, space)


def _looked(example: WorkedExample) -> steps.Looked:
    """The controls of what is looked at, in one row that stays in sight while the steps go by."""
    pairs, last = list(range(1, example.study.pairs + 1)), len(example.neurons)
    columns = st.columns([1, 1.6, 1.4, 1.6, 1.4], vertical_alignment="bottom")
    bound.adopt("met_pair", pairs, 1, bound.number)
    pair = columns[0].selectbox(tr("Pair"), pairs, key="met_pair") - 1
    bound.adopt("met_layer", list(range(1, last + 1)), telling_layer(example), bound.number)
    layer = columns[1].select_slider(tr("Layer"), list(range(1, last + 1)), key="met_layer")
    stage.moves("met_layer", range(1, last + 1))
    bound.adopt("met_side", [0, 1], 0, bound.number)
    names = look.named(dict(enumerate(names_of(example))))
    side = columns[2].selectbox(tr("Language"), [0, 1], key="met_side", format_func=names)
    sentence = example.sides[side][pair]
    tokens = list(range(1, len(sentence.tokens) + 1))
    bound.adopt("met_token", tokens, max(1, len(tokens) // 2), bound.number)
    token = columns[3].selectbox(
        tr("Token"), tokens, key="met_token", format_func=lambda each: f"{each} · {sentence.tokens[each - 1].strip()}"
    )
    neurons = example.neurons[layer - 1].tolist()
    bound.adopt("met_neuron", neurons, neurons[_undecided(example, pair, layer)], bound.number)
    neuron = columns[4].selectbox(tr("Neuron"), neurons, key="met_neuron")
    for key in ("met_pair", "met_layer", "met_side", "met_token", "met_neuron"):
        bound.write(key)
    return steps.Looked(pair, layer, side, token - 1, neurons.index(neuron))


def _undecided(example: WorkedExample, pair: int, layer: int) -> int:
    """The place of the neuron that is on at closest to half of a pair's tokens."""
    values = [side[pair].read_at(example.study.site)[layer - 1] for side in example.sides]
    return int(np.abs((np.concatenate(values) > 0).mean(axis=0) - 0.5).argmin())


st.title(tr("Method"))
question(tr("How does a sentence become a score that you can count by hand?"))
example = example_or_stop()
seven_steps(example)
if st.button(tr("Open these pairs in Similarity"), icon=":material/arrow_forward:", type="tertiary", key="met_open"):
    picker.open_study(Path(__file__).parents[1] / "explore" / "similarity.py", example.study)
with st.expander(tr("Where the numbers come from"), icon=":material/receipt_long:"):
    look.provenance(example.result)
