"""Embeddings: the same few pairs compared by neurons and by embeddings, as they are and centred."""

from collections.abc import Sequence

import streamlit as st

from neuronxa_core.analyses.worked_example import WorkedExample
from neuronxa_core.figures.method import spaces
from neuronxa_core.figures.method.neighbours import exportable_neighbours, space_name
from neuronxa_core.interface import local, tr
from neuronxa_core.numbers import score, signed
from pages.learn.few_pairs import example_or_stop
from pages.learn.told import question, sections
from pages.shared import bound, glossary, look, stage

_SPACES = ("nas", "embedding", "same")


@st.fragment
def compare(example: WorkedExample) -> None:
    """Everything below the study line; a control redraws only this."""
    titles, parts = zip(*sections("embeddings"), strict=True)
    left, right = st.columns([1, 1.5], gap="medium")
    with left:
        st.markdown(glossary.linked(parts[0], "embeddings0"))
        layer = _layer(example)
        shown = _guess(example, layer)
    with right:
        centred = shown and st.session_state.get("emb_centred", False)
        if shown:
            exportable = spaces.exportable_spaces(example, layer, centred)
            look.picture(exportable, "emb_spaces", spaces.spaces_finding(example, layer, centred))
        else:
            look.picture(exportable_neighbours(example, "embedding", layer, shown=False), "emb_hidden")
    if not shown:
        return
    _centring(example, layer, titles, parts)
    with st.expander(titles[3], icon=":material/help:"):
        st.markdown(glossary.linked(parts[3], "embeddings3"))


def _layer(example: WorkedExample) -> int:
    layers = list(range(1, len(example.neurons) + 1))
    bound.adopt("emb_layer", layers, spaces.most_changed(example), bound.number)
    layer: int = st.select_slider(tr("Layer"), layers, key="emb_layer")
    bound.write("emb_layer")
    stage.moves("emb_layer", layers)
    return layer


def _guess(example: WorkedExample, layer: int) -> bool:
    """Whether the cosines are shown, which the reader asks for after a guess."""
    state = st.session_state
    shown = bool(state.get("emb_shown") == example.study)
    names = {"nas": "NAS", "embedding": tr("Embedding"), "same": tr("equal")}
    guessed = st.pills(tr("More aligned in"), _SPACES, key="emb_guess", format_func=look.named(names), disabled=shown)
    if shown and guessed:
        counts = [int(example.outcomes(space, layer).mutual.sum()) for space in ("nas", "embedding")]
        right = "same" if counts[0] == counts[1] else "nas" if counts[0] > counts[1] else "embedding"
        st.markdown(tr("Right.") if guessed == right else tr("Not at this layer: {answer}.", answer=names[right]))
    st.button(
        tr("Hide and guess again") if shown else tr("Show the cosines"),
        key="emb_show",
        icon=":material/visibility_off:" if shown else ":material/visibility:",
        on_click=lambda: state.update(emb_shown=None if shown else example.study),
    )
    return shown


def _centring(example: WorkedExample, layer: int, titles: Sequence[str], parts: Sequence[str]) -> None:
    """What the picture says, the switch, the score before and after, and the matrices."""
    for column, place in zip(st.columns(2, gap="medium"), (1, 2), strict=True):
        with column:
            st.header(titles[place])
            st.markdown(glossary.linked(parts[place], f"embeddings{place}"))
    centred = st.toggle(tr("Centre the embeddings"), key="emb_centred", bind="query-params")
    _scores(example, layer, centred)
    for column, space in zip(st.columns(2, gap="medium"), spaces.compared(centred), strict=True):
        with column:
            st.caption(space_name(space))
            look.picture(exportable_neighbours(example, space, layer), f"emb_matrix_{space}")


def _scores(example: WorkedExample, layer: int, centred: bool) -> None:
    """The scores in both spaces, at the layer and over all, with what centring adds."""
    one, other = spaces.compared(centred)
    at = {space: float(example.outcomes(space, layer).mutual.mean()) for space in (one, other, "embedding")}
    means = {space: float(example.scores(space).mean()) for space in (one, other, "embedding")}
    told = {tr("layer {layer}", layer=layer): at, tr("mean over layers"): means}
    for column, (where, values, space) in zip(
        st.columns(4), [(where, values, space) for where, values in told.items() for space in (one, other)], strict=True
    ):
        gain = values[space] - values["embedding"] if space == "centred" else None
        column.metric(
            f"{space_name(space)}, {where}",
            local(score(values[space])),
            delta=None if gain is None else local(signed(gain)),
        )


st.title(tr("Embeddings"))
question(tr("Why not simply compare embeddings?"))
example = example_or_stop()
compare(example)
with st.expander(tr("Where the numbers come from"), icon=":material/receipt_long:"):
    look.provenance(example.result)
