"""A text continued with and without neurons, against greedy decoding under the same change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuronxa_core.analyses.continuation import Continuation
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.neuron_sets import control_sets, sets_of
from neuronxa_core.errors import StudyError
from neuronxa_core.figures.continuation import continuation_finding
from neuronxa_core.states.continuation import continue_greedily
from neuronxa_core.states.interventions import SetNeurons
from neuronxa_core.study.study import Study
from tests.states.test_interventions import loaded

CODES = ("deu_Latn", "fra_Latn", "eng_Latn")


@pytest.fixture
def asked(tiny_model, tiny_corpus: Path) -> Continuation:
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")
    return Continuation(study, Interventions(study, CODES, "random", 0.6, controls=2), "random", "Hier ist", 12)


def test_each_condition_is_greedy_decoding_under_its_change(asked):
    assert asked.cached() is None
    answer = asked.run()
    chosen = sets_of(asked.intervention.run().neurons, ["random"])["random"]
    control = control_sets(chosen, "random", 48, 2, 0)[0]
    model = loaded(Path(asked.study.model))
    for condition, neurons in (("changed", chosen), ("random", control)):
        zeros = {layer: (mine, np.zeros(len(mine), np.float32)) for layer, mine in neurons.by_layer.items()}
        expected = continue_greedily(model, [asked.text], 12, SetNeurons("gate", zeros))
        assert [answer.continuations[condition]] == expected
    assert [answer.continuations["unchanged"]] == continue_greedily(model, [asked.text], 12)
    assert len(set(answer.continuations.values())) == 3
    assert asked.cached().table.equals(answer.table)
    assert answer.table["neurons"].tolist() == [0, len(chosen), len(chosen)]


def test_the_finding_says_how_far_the_texts_agree(asked):
    said = {"unchanged": "a b c d", "changed": "a b d d", "random": "a b c d"}
    answer = replace(asked.run(), continuations=said, neurons=7, neurons_of="deu_Latn")
    assert continuation_finding(answer) == (
        "With the 7 neurons of German switched off, the text continues the same for 2 words and then differently; with "
        "as many random neurons, it continues exactly as without the change. This is one text, not a measurement."
    )
    han = replace(answer, continuations={"unchanged": "天気が", "changed": "花見が"})
    assert "continues differently from the first character on. This" in continuation_finding(han)


def test_what_cannot_be_continued_is_refused_in_a_sentence(asked):
    with pytest.raises(StudyError, match="no text to continue"):
        replace(asked, text="  ")
    with pytest.raises(StudyError, match="cannot go on for 0"):
        replace(asked, tokens=0)
    with pytest.raises(StudyError, match="owns none"):
        replace(asked, neurons_of="deu_Latn")
    assert replace(asked, intervention=replace(asked.intervention, controls=0)).conditions == ("unchanged", "changed")
