"""A click in the pictures of the Neurons page takes neurons along to Interventions, as a list in its link."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.neuron_tables import neurons_of_bar
from neuronxa_core.analyses.neurons import NeuronRates
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.figures.neurons import SHARE_NAMES
from neuronxa_core.numbers import count
from neuronxa_core.study.study import Study
from pages.experiment.interventions_controls import SET_NAMES
from pages.shared.clicks import clicked
from pages.shared.study_link import study_query

_INTERVENTIONS = Path(__file__).parents[1] / "experiment" / "interventions.py"
MOST = 300
"""Neurons that a link has room for."""


@dataclass(frozen=True)
class Taken:
    """Neurons that were clicked. where: in which picture of the study; neurons: (layer, neuron).

    said: what they are; code: the language that they belong to, or empty.
    """

    study: Study
    where: str
    said: str
    neurons: tuple[tuple[int, int], ...]
    code: str = ""


def take_bar(rates: NeuronRates, threshold: float) -> None:
    """Takes the neurons that the clicked part of a bar counts."""
    if custom := clicked("neu_sharing"):
        layer, kind = int(custom[0]), str(custom[1])
        found = neurons_of_bar(rates, threshold, layer, kind)
        said = f"active {SHARE_NAMES[kind]} of the {len(rates.codes)} languages at layer {layer}"
        _take(rates.study, "sharing", said, [(layer, neuron) for neuron in found])


def take_specific(study: Study, specific: pd.DataFrame) -> None:
    """Takes the language's own neurons at the layer of the clicked cell. specific: see neurons.specific_neurons."""
    if custom := clicked("neu_specific"):
        code, layer = str(custom[0]), int(custom[1])
        found = specific[(specific["language"] == code) & (specific["layer"] == layer)]["neuron"]
        said = f"most active in {language(code).name} at layer {layer}"
        _take(study, "specific", said, [(layer, int(neuron)) for neuron in found], code)


def take_token(study: Study, key: str, layer: int) -> None:
    """Adds the neuron of the clicked column to those that were clicked before, or takes it away again.

    A second click on the same cell comes without a point and takes away the last one.
    """
    before = _taken(study, "tokens")
    chosen = list(before.neurons) if before else []
    neuron = (layer, int(custom[0])) if (custom := clicked(key)) else None
    if neuron is None or neuron in chosen:
        chosen = [each for each in chosen if each != (neuron or chosen[-1])]
    else:
        chosen.append(neuron)
    _take(study, "tokens", "clicked in these pictures", chosen)


def offer(study: Study, where: str) -> None:
    """Below a picture: what was taken from it, and the way to Interventions with these neurons as its list."""
    taken = _taken(study, where)
    if taken is None:
        return
    number = len(taken.neurons)
    if not number:
        st.caption(f"No neuron is {taken.said}." if where != "tokens" else "No neuron is chosen.")
        return
    kept = taken.neurons[:MOST]
    few = f"; the {MOST} with the highest rate go into the link" if number > MOST else ""
    with st.container(horizontal=True, vertical_alignment="center", key=f"taken_{where}"):
        st.page_link(
            _INTERVENTIONS,
            label=f"Switch off {count(len(kept), 'neuron')}",
            icon=":material/toggle_off:",
            query_params=_query(study, kept, taken.code),
        )
        st.caption(f"{count(number, 'neuron')} {taken.said}{few}: {_listed(kept[:_NAMED])}{' …' * (number > _NAMED)}")


_NAMED = 8


def _query(study: Study, neurons: Sequence[tuple[int, int]], code: str) -> dict[str, str | list[str]]:
    """The link to Interventions, measured in the language that owns the neurons, the study's own, and English."""
    codes = list(dict.fromkeys(filter(None, (code, study.source, study.target, ENGLISH))))
    return {**study_query(study), "int_set": SET_NAMES["listed"], "int_list": _listed(neurons), "int_codes": codes}


def _listed(neurons: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"{layer}.{neuron}" for layer, neuron in neurons)


def _take(study: Study, where: str, said: str, neurons: Sequence[tuple[int, int]], code: str = "") -> None:
    st.session_state.neu_taken = Taken(study, where, said, tuple(neurons), code)


def _taken(study: Study, where: str) -> Taken | None:
    taken: Taken | None = st.session_state.get("neu_taken")
    return taken if taken and (taken.study, taken.where) == (study, where) else None
