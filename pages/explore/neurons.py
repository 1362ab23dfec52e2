"""Neurons: which ones languages share, which are specific to one, and a pair of sentences token by token."""

from dataclasses import replace
from functools import partial

import streamlit as st

from neuronxa_core.analyses.neuron_tables import overlap_table, token_table
from neuronxa_core.analyses.neurons import (
    NeuronRates,
    Neurons,
    Tokens,
    overlap,
    sharing,
    specific_neurons,
)
from neuronxa_core.figures import neurons as figures
from neuronxa_core.models.cost import layer_count
from neuronxa_core.study.study import Study
from pages.explore import neurons_taken as taken
from pages.shared import glossary, languages, look, stage
from pages.shared.part import with_answers
from pages.shared.precision import or_stop
from pages.shared.run import Place, answer_here, answer_with_line, settle_or_stop, study_or_stop


def neurons_page() -> None:
    study = study_or_stop()
    answered = with_answers(lambda codes: Neurons(study, codes))
    codes = languages.choose_languages(study, "neu_codes", (study.source, study.target), answered=answered)
    if len(codes) < 2:
        st.info("Choose at least two languages.", icon=":material/translate:")
        st.stop()
    request = settle_or_stop(Neurons(study, codes))
    place = Place(figures.SHARING_HEIGHT, lambda asked: f"{len(asked.languages)} languages")
    rates = answer_with_line(request, place)
    if rates is not None:
        _view(rates)
    layers = rates.rates.shape[1] if rates is not None else or_stop(lambda: layer_count(study.ref))
    if layers:
        _tokens(replace(study, dtype=(rates or request).study.dtype), layers)


@st.fragment
def _view(rates: NeuronRates) -> None:
    """Draws what depends on the threshold and the layer."""
    study, layers = rates.study, rates.rates.shape[1]
    left, right = st.columns(2)
    threshold = left.slider(
        "Threshold: active on more than this share of the tokens",
        0.05,
        0.95,
        0.5,
        0.05,
        key="neu_threshold",
        bind="query-params",
    )
    depth = right.selectbox(
        "Layer (for the overlap)", ["all layers", *map(str, range(1, layers + 1))], key="neu_layer", bind="query-params"
    )
    stage.moves("neu_layer", ["all layers", *map(str, range(1, layers + 1))])
    table = sharing(rates, threshold)
    look.picture(
        figures.exportable_sharing(study, table, len(rates.codes), threshold),
        "neu_sharing",
        figures.sharing_finding(table, len(rates.codes), threshold),
        on_select=partial(taken.take_bar, rates, threshold),
        selection_mode="points",
    )
    taken.offer(study, "sharing")
    layer = None if depth == "all layers" else int(depth)
    shared = overlap(rates, threshold, layer)
    specific = specific_neurons(rates)
    one, two = st.columns(2, gap="large")
    with one:
        where = "all layers" if layer is None else f"layer {layer}"
        exportable = figures.exportable_overlap(study, shared, rates.codes, where)
        st.markdown(f"**{exportable.title}**")
        look.picture(exportable, "neu_overlap", figures.overlap_finding(shared, rates.codes))
    with two:
        exportable = figures.exportable_specific(study, specific, rates)
        st.markdown(f"**{exportable.title}**")
        look.picture(
            exportable,
            "neu_specific",
            figures.specific_finding(specific, rates),
            on_select=partial(taken.take_specific, study, specific),
            selection_mode="points",
        )
        taken.offer(study, "specific")
    with st.expander("The numbers", icon=":material/table:"):
        pairs = overlap_table(shared, rates.codes)
        for key, shown in (("specific", specific), ("sharing", table), ("overlap", pairs)):
            look.table(shown)
            look.table_downloads(shown, f"{study.stem}.neurons.{key}", f"neu_{key}_table")


def _tokens(study: Study, layers: int) -> None:
    """Draws one sentence pair at one layer, token by token, which takes a run of the model on two sentences."""
    st.header("One pair of sentences, token by token")
    left, right = st.columns(2)
    pair = int(left.number_input("Pair", 1, study.pairs, 1, key="neu_pair", bind="query-params")) - 1
    layer = int(right.slider("Layer", 1, layers, max(1, layers // 2), key="neu_token_layer", bind="query-params"))
    stage.moves("neu_token_layer", range(1, layers + 1))
    tokens = answer_here(Tokens(study, pair, layer), Place(height=320, key="_tokens"))
    if tokens is None:
        return
    states = (tokens.source, tokens.target)
    neurons = tokens.strongest()
    most = max(float(abs(each.activations[:, neurons]).max()) for each in states)
    for code, each in zip((study.source, study.target), states, strict=True):
        exportable = figures.exportable_token(study, each, neurons, code, pair, layer, most)
        st.markdown(f"**{exportable.title}**")
        key = f"neu_tokens_{code}"
        look.picture(exportable, key, on_select=partial(taken.take_token, study, key, layer), selection_mode="points")
    taken.offer(study, "tokens")
    st.caption(
        f"The {len(neurons)} neurons with the highest NAV summed over both sentences, in the same order in both "
        "pictures. Click a column to take its neuron to Interventions."
    )
    with st.expander("The numbers of both pictures", icon=":material/table:"):
        table = token_table(tokens, neurons)
        look.table(table)
        look.table_downloads(table, f"{study.stem}.tokens.pair{pair + 1}.layer{layer}", "neu_tokens_table")


st.title("Neurons")
st.html("<p class='nx-question'>Which neurons do languages share, and which belong to one language?</p>")

neurons_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("neurons"))
