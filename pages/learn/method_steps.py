"""The seven steps of the method: each has a text, a formula, one picture, and a question whose answer is folded."""

import html
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from neuronxa_core.analyses.worked_example import SentenceInside, WorkedExample, pooling_weights
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.alignment import exportable_curves
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.method import counted, inside, neighbours
from neuronxa_core.figures.method.pooling import exportable_pooling, pooling_finding, pooling_name
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.figures.wording import named
from neuronxa_core.interface import local, tr
from neuronxa_core.numbers import decimal
from neuronxa_core.states.sentences import POOLINGS, Pooling, State
from pages.learn.told import Told
from pages.learn.told import steps as told_steps
from pages.shared import bound, glossary, look

_MOST_PIECES = 160


@dataclass(frozen=True)
class Looked:
    """What the reader looks at. pair, side, token: from 0; place: of the neuron among those shown of the layer."""

    pair: int
    layer: int
    side: int
    token: int
    place: int

    def sentence(self, example: WorkedExample) -> SentenceInside:
        return example.sides[self.side][self.pair]


@contextmanager
def step(number: int, exportable: ExportableFigure, key: str, finding: str = "") -> Iterator[None]:
    """A step: its text, what the block draws, formula and question on the left, its picture on the right."""
    title, told = list(texts().items())[number - 1]
    st.header(f"{number}. {title}")
    left, right = st.columns([1, 1.5], gap="medium")
    with right:
        look.picture(exportable, key, finding)
    with left:
        st.markdown(glossary.linked(told.text, f"method{number}"))
        st.markdown(told.formula)
        yield
        with st.expander(tr("Question: {question}", question=told.question), icon=":material/help:"):
            st.markdown(told.answer)


def texts() -> dict[str, Told]:
    """The words of every step by its title."""
    return {each.title: each for each in told_steps("method")}


def tokens(example: WorkedExample, looked: Looked) -> None:
    with step(1, inside.exportable_tokens(example), "met_tokens", inside.tokens_finding(example)):
        pass
    for side, code in enumerate((example.study.source, example.study.target)):
        st.html(_pieces(example.sides[side][looked.pair], code, side, looked.pair))


def _pieces(inside_: SentenceInside, code: str, side: int, pair: int) -> str:
    """A sentence in coloured pieces, one for each token."""
    known, count = language(code), len(inside_.tokens)
    title = tr("{language}, pair {pair}: {count} tokens", language=named(code), pair=pair + 1, count=count)
    pieces = "".join(f"<span>{html.escape(token) or '∅'}</span>" for token in inside_.tokens[:_MOST_PIECES])
    more = tr(" … and {count} more", count=count - _MOST_PIECES) if count > _MOST_PIECES else ""
    return (
        f"<div class='nx-pieces nx-side{side}'><p>{html.escape(title)}</p>"
        f"<div dir='{known.direction}' lang='{html.escape(known.tag, quote=True)}'>{pieces}{more}</div></div>"
    )


def gate(example: WorkedExample, looked: Looked) -> None:
    exportable = inside.exportable_gate(example, looked.pair, looked.layer, looked.place, (looked.side, looked.token))
    with step(2, exportable, "met_gate"):
        st.markdown(_gate_numbers(example, looked))


def _gate_numbers(example: WorkedExample, looked: Looked) -> str:
    """The formula with the numbers of the chosen neuron at the chosen token."""
    sentence, at = looked.sentence(example), (looked.layer - 1, looked.token, looked.place)
    incoming, activation, product = (
        float(each[at]) for each in (sentence.incoming, sentence.activation, sentence.product)
    )
    up = sentence.up(looked.layer, looked.token, looked.place)
    length = float(example.lengths[looked.layer - 1, looked.place])
    token = look.plain(sentence.tokens[looked.token].strip() or tr("a space"))
    gate = {"sum": f"{example.function}({_three(incoming)}) = **{_three(activation)}**", "nav": _three(abs(activation))}
    on, off = (
        tr("gate: {sum}, so it is on: NAS 1, NAV {nav}", **gate),
        tr("gate: {sum}, so it is off: NAS 0, NAV {nav}", **gate),
    )
    lines = [
        tr("Neuron {neuron} at **{token}**:", neuron=example.neurons[looked.layer - 1, looked.place], token=token),
        f"- {on if activation > 0 else off}",
    ]
    if up == up:
        lines.append("- " + tr("times up: {sum}", sum=f"{_three(activation)} × {_three(up)} = **{_three(product)}**"))
    if length == length:
        added = f"{_three(abs(product))} × {_three(length)} = **{_three(abs(product) * length)}**"
        lines.append("- " + tr("adds a vector of length {sum} to the hidden state", sum=added))
    return "\n".join(lines)


def _three(value: float) -> str:
    return local(decimal(value, 3))


def firing(example: WorkedExample, looked: Looked) -> None:
    exportable = inside.exportable_firing(example, looked.side, looked.pair, looked.layer, looked.place)
    with step(3, exportable, "met_firing", inside.firing_finding(example, looked.side, looked.pair, looked.layer)):
        pass


def pooling(example: WorkedExample, looked: Looked) -> None:
    own: Pooling = "position" if example.study.pooling == "auto" else example.study.pooling
    bound.adopt("met_pooling", POOLINGS, own)
    chosen: Pooling = st.session_state.met_pooling
    at = looked.side, looked.pair, looked.layer
    with step(4, exportable_pooling(example, *at, chosen), "met_weights", pooling_finding(example, *at, chosen)):
        st.segmented_control(
            tr("Tokens weighed by"), POOLINGS, key="met_pooling", required=True, format_func=pooling_name
        )
        bound.write("met_pooling")
        count = len(looked.sentence(example).tokens)
        weight = pooling_weights(count, chosen)[looked.token]
        said = {"token": looked.token + 1, "count": count, "weight": local(decimal(weight, 4))}
        st.caption(tr("Token {token} of {count} has weight {weight}.", **said))


def guess(example: WorkedExample, looked: Looked, space: State) -> bool:
    """Whether the cosines are shown, which the reader asks for after a guess."""
    state, pairs = st.session_state, example.study.pairs
    shown = state.get("met_shown") == example.study
    exportable = neighbours.exportable_neighbours(example, space, looked.layer, shown)
    finding = neighbours.neighbours_finding(example, space, looked.layer) if shown else ""
    with step(5, exportable, "met_cosines", finding):
        sentence = look.plain(example.sides[0][looked.pair].text[:200])
        st.caption(tr("Source sentence {pair}: {sentence}", pair=looked.pair + 1, sentence=sentence))
        guessed = st.pills(tr("Nearest target sentence"), range(1, pairs + 1), key="met_guess", disabled=shown)
        if shown and guessed:
            st.markdown(counted.told_of_guess(example, space, looked.layer, looked.pair, guessed - 1))
        st.button(
            tr("Hide and guess again") if shown else tr("Show the cosines"),
            key="met_show",
            icon=":material/visibility_off:" if shown else ":material/visibility:",
            on_click=lambda: state.update(met_shown=None if shown else example.study, met_checked=None),
        )
    return shown


def count(example: WorkedExample, looked: Looked, space: State, shown: bool) -> None:
    state, pairs = st.session_state, example.study.pairs
    checked = shown and state.get("met_checked") == (example.study, space, looked.layer)
    with step(6, neighbours.exportable_score(example, space, looked.layer, checked), "met_score"):
        ticked = st.pills(
            tr("Pairs that win their row and their column"),
            range(1, pairs + 1),
            selection_mode="multi",
            key="met_ticks",
            disabled=not shown,
        )
        if not shown:
            st.caption(tr("Show the cosines in step 5 first."))
        st.button(
            tr("Check"),
            key="met_check",
            icon=":material/check:",
            disabled=not shown,
            on_click=lambda: state.update(met_checked=(example.study, space, looked.layer)),
        )
        if checked:
            right, told = counted.told_of_count(example, space, looked.layer, {each - 1 for each in ticked})
            (st.success if right else st.warning)(told)


def curve(example: WorkedExample, looked: Looked, space: State) -> None:
    with step(7, exportable_curves(example.result, looked.layer), "met_curve"):
        st.markdown(counted.mean_in_sight(example, space))
        st.caption(tr("The numbers are the aligned pairs of each layer, in {space}.", space=STATE_NAMES[space]))
